import { codeGuesses } from '../domain/factors.ts'

/** What a budget is counted by. A `source` is an address, IPv6 ones by their /64 (one household, one attacker). */
export type Part = 'account' | 'client' | 'device' | 'recipient' | 'source'

/** `burst` attempts at once, then one more every `everySeconds`. Without parts the budget is everybody's together. */
export type Budget = { readonly by: readonly Part[]; readonly burst: number; readonly everySeconds: number }

export type Policy = { readonly parts: readonly Part[]; readonly budgets: readonly Budget[] }

/** Failures that are counted, each with its budgets. An attempt must fit all of them, and takes from all or from none. */
export const policies = {
  // H03, H04: about 1,500 guesses a day for one account, half of that from one source, which therefore never uses up the rest
  // (docs/decisions/0011); the common budget is what one core can hash anyway.
  'sign-in': {
    parts: ['account', 'source'],
    budgets: [
      { by: [], burst: 2000, everySeconds: 0.05 },
      { by: ['source'], burst: 60, everySeconds: 10 },
      { by: ['account'], burst: 100, everySeconds: 60 },
      { by: ['account', 'source'], burst: 10, everySeconds: 120 },
    ],
  },
  // In a browser that the account signed in in before: what strangers do counts for nothing here.
  'sign-in-known': {
    parts: ['account', 'device', 'source'],
    budgets: [
      { by: [], burst: 2000, everySeconds: 0.05 },
      { by: ['source'], burst: 60, everySeconds: 10 },
      { by: ['account', 'device'], burst: 10, everySeconds: 60 },
    ],
  },
  // The same at a site, of which we know but what its people are called there: somebody else may be called so, or so soon, and have
  // any number of browsers. So those guesses together are no more than strangers'.
  'site-login-known': {
    parts: ['account', 'device', 'source'],
    budgets: [
      { by: [], burst: 2000, everySeconds: 0.05 },
      { by: ['source'], burst: 60, everySeconds: 10 },
      { by: ['account'], burst: 100, everySeconds: 60 },
      { by: ['account', 'device'], burst: 10, everySeconds: 60 },
    ],
  },
  // H17: of a million codes three fit. Only whoever has proved the first factor comes so far: per account over all sources ten at
  // once, then 144 a day; what he uses up in browsers of his own takes nothing from those that the account is known in.
  'second-factor': {
    parts: ['account', 'source'],
    budgets: [
      { by: ['source'], burst: 60, everySeconds: 10 },
      { by: ['account'], ...codeGuesses },
    ],
  },
  'second-factor-known': {
    parts: ['account', 'device', 'source'],
    budgets: [
      { by: ['source'], burst: 60, everySeconds: 10 },
      { by: ['account', 'device'], burst: 10, everySeconds: 120 },
    ],
  },
  // Each costs a signature; nobody guesses one.
  passkey: { parts: ['source'], budgets: [{ by: ['source'], burst: 60, everySeconds: 5 }] },
  // 80 bits: nobody guesses one, so nobody is kept out by somebody who tries.
  'recovery-code': { parts: ['source'], budgets: [{ by: ['source'], burst: 60, everySeconds: 10 }] },
  // D07: secrets have 256 bits, so this saves work and wakes somebody up; other clients and sources don't feel it.
  'client-secret': {
    parts: ['client', 'source'],
    budgets: [{ by: ['client', 'source'], burst: 30, everySeconds: 10 }],
  },
  // D27: each assertion and each signature is a record for as long as it would hold, seven minutes at most: 260,000 of one client.
  'once-memory': { parts: ['client'], budgets: [{ by: ['client'], burst: 50_000, everySeconds: 0.002 }] },
  // H17: of a million codes three fit, so that the budget is the client's from wherever it is asked. Only whoever has its key
  // comes so far, so no stranger uses it up.
  'one-time-code': { parts: ['client'], budgets: [{ by: ['client'], burst: 10, everySeconds: 60 }] },
  // B11: only what fails its MAC is counted, which no honest client sends.
  code: { parts: ['source'], budgets: [{ by: ['source'], burst: 60, everySeconds: 5 }] },
  // One web server holds the tokens of all its users: wider than for codes.
  refresh: { parts: ['source'], budgets: [{ by: ['source'], burst: 300, everySeconds: 1 }] },
  // A resource server passes on what strangers send it, so a narrow budget would let them shut it out.
  'introspection-miss': {
    parts: ['client', 'source'],
    budgets: [{ by: ['client', 'source'], burst: 20_000, everySeconds: 0.001 }],
  },
  // H03: an alarm, which says once what goes on as long as the budget of everybody is used up.
  alarm: { parts: [], budgets: [{ by: [], burst: 1, everySeconds: 60 }] },
  // What strangers can make us write by being refused: at most 17,000 events a day, which is 2 GB in all the time that they are kept.
  'refusal-event': {
    parts: ['source'],
    budgets: [
      { by: [], burst: 5_000, everySeconds: 5 },
      { by: ['source'], burst: 100, everySeconds: 60 },
    ],
  },
  // What strangers can make us send: the mail server's good name is at stake, and somebody's patience. By what was typed, so that a
  // name that doesn't exist runs out as one that does.
  letter: {
    parts: ['account', 'source'],
    budgets: [
      { by: [], burst: 500, everySeconds: 2 },
      { by: ['source'], burst: 20, everySeconds: 60 },
      { by: ['account'], burst: 5, everySeconds: 600 },
    ],
  },
  // By the address that somebody typed, which may be anybody's: with many sources or accounts it would still be one person's patience.
  'letter-to': { parts: ['recipient'], budgets: [{ by: ['recipient'], burst: 5, everySeconds: 600 }] },
  // H05: by the mailbox that a letter goes to, whatever its account was asked for by. Nobody is told: a letter too many isn't written, so
  // that the answer tells no account from none. The earlier ones still hold.
  'letter-received': { parts: ['recipient'], budgets: [{ by: ['recipient'], burst: 5, everySeconds: 600 }] },
  'mail-code-received': { parts: ['recipient'], budgets: [{ by: ['recipient'], burst: 10, everySeconds: 600 }] },
  // The same for codes by letter; what strangers use up is not what a browser has that is known for the account.
  'mail-code': {
    parts: ['account', 'source'],
    budgets: [
      { by: [], burst: 500, everySeconds: 2 },
      { by: ['source'], burst: 20, everySeconds: 60 },
      { by: ['account'], burst: 10, everySeconds: 600 },
      { by: ['account', 'source'], burst: 5, everySeconds: 600 },
    ],
  },
  'mail-code-known': {
    parts: ['account', 'device', 'source'],
    budgets: [
      { by: ['source'], burst: 20, everySeconds: 60 },
      { by: ['account', 'device'], burst: 5, everySeconds: 300 },
    ],
  },
  // K18: whoever reports looks everywhere, and each report costs a hundred MACs at most.
  'leak-report': { parts: ['account'], budgets: [{ by: ['account'], burst: 60, everySeconds: 1 }] },
  // Each is a record until it expires: a script that makes them in a loop fills nobody's disk.
  'own-token': { parts: ['account'], budgets: [{ by: ['account'], burst: 60, everySeconds: 60 }] },
  // What signs somebody in changes: each is a letter, behind which others wait, and an event that is kept.
  // By source too: whoever got into an account must not keep its owner from putting him out.
  'credential-change': {
    parts: ['account', 'source'],
    budgets: [{ by: ['account', 'source'], burst: 20, everySeconds: 60 }],
  },
  // What a page asks while somebody types a new password: a few milliseconds of a thread, at the worst a fifth of a second.
  'password-strength': {
    parts: ['source'],
    budgets: [
      { by: [], burst: 60, everySeconds: 0.2 },
      { by: ['source'], burst: 30, everySeconds: 1 },
    ],
  },
  // Each costs a password hash.
  register: {
    parts: ['source'],
    budgets: [
      { by: [], burst: 500, everySeconds: 1 },
      { by: ['source'], burst: 20, everySeconds: 60 },
    ],
  },
  // L12: a request that waits for its person, a journey to a provider and a newcomer who chooses his name are records for ten
  // minutes; those that get their answer give back what they took. By source alone: a budget of everybody's would be somebody's
  // to use up.
  park: { parts: ['source'], budgets: [{ by: ['source'], burst: 1_000, everySeconds: 0.6 }] },
  // L12: the same of what somebody begins on the page of a start.
  'connect-form': { parts: ['source'], budgets: [{ by: ['source'], burst: 300, everySeconds: 2 }] },
  // L12: a start stores nothing; this bounds the work.
  connect: { parts: ['source'], budgets: [{ by: ['source'], burst: 600, everySeconds: 0.5 }] },
  // What the uses of a connection of nobody can make us write, by what the event says and from where: one an hour in the long run,
  // and ten from however many sources. Nobody is refused: what finds no room is counted (docs/audit.md).
  'handle-use': {
    parts: ['account', 'source'],
    budgets: [
      { by: ['account'], burst: 240, everySeconds: 360 },
      { by: ['account', 'source'], burst: 24, everySeconds: 3600 },
    ],
  },
  // L12: what an account or a client begins from however many addresses; what it finishes gives back what it took.
  'connect-owned': { parts: ['account'], budgets: [{ by: ['account'], burst: 300, everySeconds: 2 }] },
  // Handles have 256 bits, and most guesses cost a MAC alone.
  'handle-miss': { parts: ['source'], budgets: [{ by: ['source'], burst: 60, everySeconds: 5 }] },
} as const satisfies Record<string, Policy>

export type Purpose = keyof typeof policies

/** One text for each part of the purpose's key, in its order. */
export type PartsOf<P extends Purpose> = TextFor<(typeof policies)[P]['parts']>

type TextFor<Parts extends readonly Part[]> = { readonly [Index in keyof Parts]: string }
