import { expect, test } from 'vitest'
import { isRefusal } from '../../src/protocol/errors.ts'
import { redirectUriProblem, verifyRedirectUri } from '../../src/protocol/redirect-uri.ts'
import { printParts, redirectUriMutations, type Parts } from './redirect-uri-mutations.ts'

const plain = { slashes: '://', userinfo: '', port: '', query: '', fragment: '' }
const registered: readonly Parts[] = [
  { ...plain, scheme: 'https', host: 'app.example', path: '/cb' },
  { ...plain, scheme: 'https', host: 'app.example', port: ':8443', path: '/a/cb', query: '?t=1' },
  { ...plain, scheme: 'http', host: '127.0.0.1', path: '/cb' },
  { ...plain, scheme: 'http', host: '[::1]', port: ':7000', path: '/cb', query: '?t=1' },
  { ...plain, scheme: 'http', host: 'localhost', port: ':5173', path: '/cb' },
  { ...plain, scheme: 'com.example.app', slashes: ':', host: '', path: '/cb' },
]

/** The rule in other words than the code's: equal, or the same http URI on a loopback address but for a port that is one. */
function mayPass(base: Parts, candidate: string): boolean {
  if (candidate === printParts(base)) return true
  if (base.scheme !== 'http' || !['127.0.0.1', '[::1]'].includes(base.host)) return false
  const [before, behind] = [`http://${base.host}`, `${base.path}${base.query}`]
  if (!candidate.startsWith(before) || !candidate.endsWith(behind)) return false
  const port = candidate.slice(before.length, -behind.length)
  return port === '' || (/^:[1-9]\d{0,4}$/.test(port) && Number(port.slice(1)) < 65_536)
}

test('RFC 9700 §2.1, RFC 8252 §7.3: of every mutation only the same octets, or another loopback port, are accepted', () => {
  let [variants, accepted] = [0, 0]
  const wrong: string[] = []
  for (const base of registered) {
    const uris = [printParts(base)]
    const candidates = new Set(redirectUriMutations(base))
    // An empty parameter counts as absent at every entrance (RFC 6749 §3.1).
    candidates.delete('')
    variants += candidates.size
    for (const candidate of candidates) {
      const passes = !isRefusal(verifyRedirectUri(uris, candidate))
      if (passes) accepted++
      if (passes !== mayPass(base, candidate)) wrong.push(JSON.stringify([uris[0], candidate]))
    }
  }
  console.info(`redirect URI mutations: ${variants} variants, ${accepted} accepted`)
  expect(wrong).toEqual([])
  expect(variants).toBeGreaterThanOrEqual(100_000)
  // Each URI itself, and every honest port of the two loopback ones: the oracle says yes as well.
  expect(accepted).toBeGreaterThan(registered.length + 10)
}, 10_000)

test('A18, A19: what can be registered means the same to a browser: no other host, nothing dropped or decoded', () => {
  let registrable = 0
  const elsewhere: string[] = []
  for (const candidate of new Set(registered.flatMap((base) => [...redirectUriMutations(base)]))) {
    if (redirectUriProblem(candidate) !== undefined) continue
    registrable++
    if (![candidate, inBrowserSpelling(candidate)].includes(URL.parse(candidate)?.href ?? ''))
      elsewhere.push(JSON.stringify(candidate))
  }
  expect(elsewhere).toEqual([])
  expect(registrable).toBeGreaterThan(100)
}, 10_000)

/** What a browser leaves out and adds: the scheme's own port, and the slash of an empty path. */
function inBrowserSpelling(uri: string): string {
  return uri
    .replace(/^(https:\/\/[^/?]*):443(?=[/?]|$)/, '$1')
    .replace(/^(http:\/\/[^/?]*):80(?=[/?]|$)/, '$1')
    .replace(/^(https?:\/\/[^/?]+)(?=\?|$)/, '$1/')
}
