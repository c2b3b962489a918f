import { vi } from 'vitest'
import type { Letter } from '../../src/mail/letter.ts'
import { listAll } from '../../src/store/list-all.ts'
import { errandOwner } from '../../src/store/start-errands.ts'
import { createBrowser, type Answer, type Browser } from './browser.ts'
import { submit } from './flow.ts'
import { password as usualPassword, startGatehouse, type TestGatehouse } from './gatehouse.ts'
import { plainPasswords } from './plain-passwords.ts'

/** What people choose here as their own password. */
export const chosen = 'seven herons cross a frozen lock'

/** A server at which anybody registers, and whose letters stand in `letters`. How passwords are hashed isn't what is tested with it. */
export function startWithLetters(): Promise<TestGatehouse> {
  return startGatehouse({
    config: { mail: { by: 'log' }, users: { registration: 'open' } },
    passwords: plainPasswords,
  })
}

/** The letters to an address, once there are so many. */
export async function lettersTo(server: TestGatehouse, address: string, count = 1): Promise<readonly Letter[]> {
  const there = () => server.letters.filter(({ to }) => to === address)
  await vi.waitFor(() => {
    if (there().length !== count) throw new Error(`${there().length} letters to ${address}, not ${count}`)
  }, 20_000)
  return there()
}

export const linkIn = ({ text }: Pick<Letter, 'text'>): string => /https?:\/\/\S+/.exec(text)?.[0] ?? ''

/** Fetch a page, fill its form `#id` and send it. */
export async function fill(
  browser: Browser,
  path: string,
  id: string,
  typed: Readonly<Record<string, string>>,
): Promise<Answer> {
  return submit(browser, await browser.ask(path), id, typed)
}

export async function signIn(server: TestGatehouse, username: string, password = usualPassword): Promise<Answer> {
  return fill(createBrowser(server.url), '/signin', 'sign-in', { username, password })
}

/** What is typed on the page of registration. */
export const registration = (username: string, email: string) => ({
  username,
  email,
  new_password: chosen,
  repeat_password: chosen,
})

/** An account whose address is proved, by the way everybody takes: by one letter. Its password is the chosen one. */
export async function withAddress(server: TestGatehouse, username: string): Promise<string> {
  const email = `${username}@mail.example`
  const browser = createBrowser(server.url)
  await fill(browser, '/register', 'register', registration(username, email))
  const [letter] = await lettersTo(server, email)
  const made = await fill(browser, linkIn(letter ?? { text: '' }), 'letter', { password: chosen })
  if (made.location !== '/signin') throw new Error(`no account: ${made.status} ${made.text.slice(0, 300)}`)
  return email
}

/** Resolves when everything that was asked for was written, or found to be nobody's. */
export async function outboxEmpty({ core: { transition } }: TestGatehouse): Promise<void> {
  await vi.waitFor(async () => {
    for await (const waiting of listAll(transition.store, 'outbox', errandOwner)) throw new Error(`${waiting.id} waits`)
  }, 20_000)
}

/** A page without what differs in each by itself. */
export const still = (answer: Answer) => [answer.status, answer.text.replaceAll(/value="[^"]*"/g, '')]
