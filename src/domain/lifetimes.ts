import type { Seconds } from '../protocol/time.ts'

const minute = 60
const hour = 60 * minute
const day = 24 * hour

/**
 * How long things live. Constants, not options: each is the shortest that doesn't hurt its users,
 * and a resource may ask for shorter access tokens.
 */
export const lifetimes = {
  /** RFC 6749 §4.1.2 allows ten minutes; a redirect needs seconds. */
  code: minute,
  interaction: 10 * minute,
  accessToken: 15 * minute,
  /** Offline verification of a JWT can only end at its `exp`, so nobody gets a longer one. */
  longestAccessToken: hour,
  /** A token for a script, made without a sign-in; ended by grant, epoch or `jti` like every other. */
  minted: 31 * day,
  /** One to a connection, unless said: long enough for the work of a script. */
  capability: hour,
  longestMinted: 366 * day,
  /** A discharge of a third-party caveat: a person confirms one deed, not a day of them. */
  discharge: 5 * minute,
  /** A fragment is seen by every script of the page and can't be renewed in silence. */
  implicitAccessToken: 5 * minute,
  idToken: hour,
  refreshIdle: 30 * day,
  refreshAbsolute: 365 * day,
  /** How long the immediate predecessor of a refresh token still gets the same successor. */
  refreshGrace: 10,
  sessionIdle: 2 * hour,
  sessionAbsolute: 12 * hour,
  /** "Remember me". */
  persistentSessionIdle: 14 * day,
  persistentSessionAbsolute: 90 * day,
  /** How long a browser is known for somebody who signed in in it. */
  knownDevice: 90 * day,
  /** How recent a sign-in must be to change credentials, identities or names. */
  recentSignIn: 5 * minute,
  /** How long a code in a letter works. */
  mailCode: 10 * minute,
  /** How long a link in a letter works. */
  recovery: hour,
  confirmation: day,
  /** An administrator waits for somebody who doesn't know of it yet. */
  invitation: 7 * day,
  consent: 365 * day,
  /** A connection that belongs to nobody by name, without being used. */
  connectionIdle: 90 * day,
  /** How long whoever asks still hears that a connection was ended. */
  connectionEnded: 30 * day,
  /** Longest time from the intent of a refresh to its outcome: two requests of five seconds, and the commits. */
  refreshLease: 15,
  event: 400 * day,
  /** What an operator may choose at most. */
  longestEvent: 3650 * day,
} as const satisfies Record<string, Seconds>
