import type { Person } from '../fixture.ts'
import { header, type Reply } from './connection.ts'
import type { Lane } from './lane.ts'
import { getMessage, postMessage } from './message.ts'
import { parseForms } from './page.ts'

type Cookie = { readonly name: string; readonly value: string; readonly path: string }

/** A browser with its own cookies that walks an authorization request to its end, whatever pages the server shows on the way. */
export type Browser = {
  /** Follows redirects, signs in and consents where asked, and returns the address at the client. */
  readonly walk: (path: string) => Promise<URL>
  /** The Cookie header line for a path, as the browser would send it now. */
  readonly cookieLine: (path: string) => string
}

const MOST_STEPS = 12

export const openBrowser = (lane: Lane, person: Person): Browser => {
  const { host, origin } = lane.site
  const { redirectUri } = lane.fixture.web
  const cookies = new Map<string, Cookie>()

  const cookieLine = (path: string): string => {
    const sent = [...cookies.values()].filter((cookie) => path.startsWith(cookie.path))
    return sent.length === 0 ? '' : `cookie: ${sent.map((cookie) => `${cookie.name}=${cookie.value}`).join('; ')}\r\n`
  }
  const get = (path: string): Promise<Reply> => lane.send(getMessage(host, path, cookieLine(pathOnly(path))), 200, 303)
  const post = (path: string, body: string): Promise<Reply> => {
    const headers = `origin: ${origin}\r\nsec-fetch-site: same-origin\r\n${cookieLine(pathOnly(path))}`
    return lane.send(postMessage(host, path, body, headers), 303)
  }

  /** Sends once and follows to the next page or to the client. */
  const walk = async (start: string): Promise<URL> => {
    let reply = await get(start)
    for (let step = 0; step < MOST_STEPS; step++) {
      keepCookies(reply.head, cookies)
      if (reply.status === 303) {
        const location = header(reply.head, 'location') ?? ''
        if (location.startsWith(redirectUri)) return new URL(location)
        const path = location.startsWith(origin) ? location.slice(origin.length) : location
        if (!path.startsWith('/')) throw new Error(`redirected to a stranger: ${location}`)
        reply = await get(path)
      } else {
        const filled = fillPage(reply.body, lane.site.origin, person)
        reply = await post(filled.action, filled.body)
      }
    }
    throw new Error(`no end after ${MOST_STEPS} steps from ${start}`)
  }
  return { walk, cookieLine }
}

const pathOnly = (path: string): string => path.split('?', 1)[0] ?? path

const keepCookies = (head: string, cookies: Map<string, Cookie>): void => {
  for (const [, line = ''] of head.matchAll(/\r\nset-cookie: *([^\r]*)/gi)) {
    const [pair = '', ...attributes] = line.split(/; */)
    const equals = pair.indexOf('=')
    const name = pair.slice(0, equals)
    const value = pair.slice(equals + 1)
    const path = attributes.find((attribute) => /^path=/i.test(attribute))?.slice(5) ?? '/'
    const gone =
      value === '' || attributes.some((attribute) => /^(max-age=0|expires=Thu, 01 Jan 1970)/i.test(attribute))
    if (gone) cookies.delete(`${name} ${path}`)
    else cookies.set(`${name} ${path}`, { name, value, path })
  }
}

const fillPage = (html: string, origin: string, { username, password }: Person): { action: string; body: string } => {
  const forms = parseForms(html)
  const answers: Record<string, Record<string, string>> = {
    'sign-in': { username, password },
    consent: { decision: 'allow' },
    continue: { decision: 'continue' },
  }
  for (const form of forms) {
    const answer = answers[form.id]
    if (answer === undefined) continue
    const fields = new URLSearchParams(form.fields.filter(([name]) => !(name in answer)))
    for (const [name, value] of Object.entries(answer)) fields.append(name, value)
    const action = form.action.startsWith(origin) ? form.action.slice(origin.length) : form.action
    return { action, body: fields.toString() }
  }
  throw new Error(`a page without a form the bench knows:\n${html.slice(0, 800)}`)
}
