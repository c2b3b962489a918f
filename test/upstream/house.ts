import { checkProvider } from '../../src/config/check-provider.ts'
import { providerEntry } from '../../src/config/provider-entry.ts'
import type { OAuthProvider, Provider } from '../../src/config/provider.ts'
import { createOutbound, type Outbound } from '../../src/outbound/create-outbound.ts'
import { isRefusal } from '../../src/protocol/errors.ts'
import { parseParameters } from '../../src/protocol/parameters.ts'
import { openMemoryStore } from '../../src/store/memory.ts'
import { createUpstream, type Upstream } from '../../src/upstream/create-upstream.ts'
import type { Finished } from '../../src/upstream/finish-upstream.ts'
import type { KeptTokens, NotOpened } from '../../src/upstream/sealed-tokens.ts'
import { consent } from '../emulators/emulator.ts'
import { createTestClock } from '../kit/gatehouse.ts'
import { fixedKeys } from '../tokens/fixtures.ts'

/** An entry of `providers:` as the configuration reads it; secrets are `{ env: NAME }` of `secrets`. */
export function readProvider(
  entry: Readonly<Record<string, unknown>>,
  secrets: Readonly<Record<string, string>> = {},
): Provider {
  const places = { variable: (name: string) => secrets[name], file: () => undefined }
  const checked = checkProvider(providerEntry.parse(entry), { places })
  if ('provider' in checked) return checked.provider
  throw new Error(checked.problems.map(({ path, problem }) => `${path.join('.')} ${problem}`).join('\n'))
}

export function readOAuthProvider(
  entry: Readonly<Record<string, unknown>>,
  secrets?: Readonly<Record<string, string>>,
): OAuthProvider {
  const provider = readProvider({ allow_insecure: true, ...entry }, secrets)
  if (provider.kind === 'site-login') throw new Error('not an OAuth provider')
  return provider
}

/** The tokens of what must open. */
export function openedTokens(opened: KeptTokens | NotOpened): KeptTokens {
  if (typeof opened === 'string') throw new Error(opened)
  return opened
}

export const issuer = 'https://as.example'

export function createEngine(
  outbound: Outbound = createOutbound({ contact: issuer }),
): Upstream & { readonly clock: ReturnType<typeof createTestClock> } {
  const keys = fixedKeys()
  const clock = createTestClock()
  const { store } = openMemoryStore()
  const transition = { store, clock, random: keys.random }
  const upstream = createUpstream({
    issuer,
    clock,
    random: keys.random,
    transition,
    keys: { ...keys, learn: () => Promise.resolve(false) },
    outbound,
    providers: [],
  })
  return { ...upstream, clock }
}

export const browser = 'a browser'

export async function begin(
  engine: Upstream,
  provider: OAuthProvider,
  asked: { readonly scope?: readonly string[]; readonly offline?: boolean } = {},
): Promise<string> {
  const opened = await engine.open(provider, {
    purpose: { for: 'sign-in' },
    browserHash: browser,
    scope: asked.scope ?? provider.scope,
    offline: asked.offline ?? false,
  })
  if (opened.kind !== 'begun') throw new Error(JSON.stringify(opened))
  return opened.url
}

/** What the engine makes of a callback URL. */
export async function comeBack(engine: Upstream, provider: OAuthProvider, callback: string): Promise<Finished> {
  const parameters = parseParameters(new URL(callback).search.slice(1))
  if (isRefusal(parameters)) throw new Error(parameters.reason)
  const taken = await engine.take(provider, { state: parameters.get('state'), browserHash: browser })
  if (isRefusal(taken)) return { kind: 'refused', reason: taken.reason, why: 'state' }
  return engine.finish(provider, taken, parameters)
}

/** There and back again. */
export async function through(
  engine: Upstream,
  provider: OAuthProvider,
  asked: Parameters<typeof begin>[2] & { readonly decision?: 'allow' | 'deny' } = {},
): Promise<Finished> {
  return comeBack(engine, provider, await consent(await begin(engine, provider, asked), asked.decision))
}
