import { describe, expect, test } from 'vitest'
import { parseBasicAuthorization } from '../../src/protocol/basic-auth.ts'
import { parseBearerAuthorization } from '../../src/protocol/bearer.ts'
import { bearerChallenge } from '../../src/protocol/challenge.ts'
import { parseClaims } from '../../src/protocol/claims.ts'
import { isClientId } from '../../src/protocol/client-id.ts'
import { parseClientMetadata } from '../../src/protocol/client-metadata.ts'
import { parseCookies } from '../../src/protocol/cookies.ts'
import { isLoopbackAddress, isLoopbackHost } from '../../src/protocol/loopback.ts'
import { parseMaxAge } from '../../src/protocol/max-age.ts'
import { parseParameters } from '../../src/protocol/parameters.ts'
import { isCodeVerifier, parseCodeChallenge } from '../../src/protocol/pkce.ts'
import { parsePrompt } from '../../src/protocol/prompt.ts'
import { parsePublicJwks } from '../../src/protocol/public-jwks.ts'
import { redirectUriProblem, verifyRedirectUri } from '../../src/protocol/redirect-uri.ts'
import { parseResource } from '../../src/protocol/resource.ts'
import { parseResponseMode } from '../../src/protocol/response-mode.ts'
import { parseScope } from '../../src/protocol/scope.ts'
import { parseUsername } from '../../src/protocol/username.ts'
import { webUriProblem } from '../../src/protocol/web-uri.ts'
import { quickest } from '../kit/quickest.ts'

const minimal = { redirect_uris: ['https://app.example/cb'] }

/** Every reader of text from outside. */
const readers: readonly (readonly [string, (text: string) => unknown])[] = [
  ['a form', parseParameters],
  ['a scope', parseScope],
  ['a redirect URI, at registration', redirectUriProblem],
  ['a redirect URI, in a request', (text) => verifyRedirectUri(['http://127.0.0.1/cb'], text)],
  ['a web URI', webUriProblem],
  ['a code challenge', (text) => parseCodeChallenge(text, 'S256')],
  ['a code verifier', isCodeVerifier],
  ['prompt', parsePrompt],
  ['max_age', parseMaxAge],
  ['claims', parseClaims],
  ['a resource', parseResource],
  ['response_mode', (text) => parseResponseMode(text, 'code')],
  ['Basic', (text) => parseBasicAuthorization(`Basic ${text}`)],
  ['Bearer', (text) => parseBearerAuthorization(`Bearer ${text}`)],
  ['a challenge', (text) => bearerChallenge(text)],
  ['cookies', parseCookies],
  ['a user name', parseUsername],
  ['a client id', isClientId],
  ['an address', isLoopbackAddress],
  ['a host', isLoopbackHost],
  ['a kid', (text) => parsePublicJwks({ keys: [{ kty: 'EC', kid: text }] })],
  ...[
    'client_id',
    'client_name',
    'client_uri',
    'logo_uri',
    'scope',
    'token_endpoint_auth_method',
    'legacy',
    'jwks',
  ].map(
    (field) => [`metadata ${field}`, (text: string) => parseClientMetadata({ ...minimal, [field]: text })] as const,
  ),
  ['metadata redirect_uris', (text) => parseClientMetadata({ redirect_uris: [text] })],
  ['metadata, a name', (text) => parseClientMetadata({ ...minimal, [text]: 1 })],
]

/** 50 KB each: the plain one of H26, and shapes that make backtracking regular expressions explode. */
const hostile: readonly (readonly [string, string])[] = [
  ['a…', 'a'.repeat(50_000)],
  ['spaces', ' '.repeat(50_000)],
  ['almost a scope', `${'a '.repeat(25_000)}"`],
  ['almost a host', `https://${'a.'.repeat(25_000)}!`],
  ['almost a path', `https://a/${'%41'.repeat(16_000)}%`],
  ['almost a scheme', `${'a.'.repeat(25_000)}!`],
  ['almost base64', `${'A'.repeat(49_999)}=`.replace(/.$/, '!')],
  ['almost decimal', `${'1'.repeat(49_999)}x`],
  ['pairs', 'a=1&'.repeat(12_500)],
  ['equals', '='.repeat(50_000)],
  ['cookies', 'a=1; '.repeat(10_000)],
  ['brackets', '['.repeat(50_000)],
  ['braces', '{"a":'.repeat(10_000)],
  ['combining marks', `a${'\u0301'.repeat(49_999)}`],
]

describe('H26, J17: no field takes 5 ms, whatever 50 KB it is given', () => {
  test.each(readers)('%s', async (_, read) => {
    for (const [name, text] of hostile) {
      expect(await quickest(() => read(text)), name).toBeLessThan(5)
    }
  })
})
