import type { OAuthProvider, Provider, SiteLoginProvider } from '../config/provider.ts'
import type { SecretValue } from '../config/secret-value.ts'
import { readWithNewest } from '../keys/read-with-newest.ts'
import type { Refusal } from '../protocol/errors.ts'
import type { Parameters as RequestParameters } from '../protocol/parameters.ts'
import type { FlowContext } from './context.ts'
import { keepCredential } from './keep-credential.ts'
import { finishUpstream, type Finished } from './finish-upstream.ts'
import { openFlow, type AskedFlow, type OpenedFlow } from './open-flow.ts'
import { refreshUpstream, type Refreshed } from './refresh-upstream.ts'
import { revokeUpstream, type Revoked } from './revoke-upstream.ts'
import {
  openTokens,
  sealTokens,
  type KeptAt,
  type KeptTokens,
  type NotOpened,
  type SealedTokens,
} from './sealed-tokens.ts'
import { siteLogin, type SiteCredentials, type SiteLogin } from './site-login.ts'
import type { ServerCache } from './server-metadata.ts'
import { takeFlow, type TakenFlow } from './take-flow.ts'

/** The engine: everything that is said to providers, with what it needs of the house bound to it. */
export type Upstream = {
  readonly outbound: FlowContext['outbound']
  readonly providers: ReadonlyMap<string, Provider>
  /** Remember that a browser goes to a provider, and where to send it. */
  readonly open: (provider: OAuthProvider, asked: AskedFlow) => Promise<OpenedFlow>
  /** Redeem the state that a callback brought, once. */
  readonly take: (
    provider: OAuthProvider,
    shown: { readonly state: string | undefined; readonly browserHash: string | undefined },
  ) => Promise<TakenFlow | Refusal>
  /** The tokens, and whose they are. `parameters` are those of the callback. */
  readonly finish: (provider: OAuthProvider, taken: TakenFlow, parameters: RequestParameters) => Promise<Finished>
  readonly refresh: (
    provider: OAuthProvider,
    held: {
      readonly refreshToken: SecretValue
      readonly scope: readonly string[]
      readonly account?: string | undefined
    },
  ) => Promise<Refreshed>
  /** Log in at a site that has nothing but a login API. */
  readonly login: (provider: SiteLoginProvider, given: SiteCredentials) => Promise<SiteLogin>
  /** Keep what the site gave, sealed. */
  readonly keep: (about: Parameters<typeof keepCredential>[1]) => Promise<void>
  readonly seal: (at: KeptAt, tokens: KeptTokens) => SealedTokens
  /** With the newest keys of the store, where those at hand don't do. Whoever hears `unknown_key` writes nothing and comes again: another node may hold it. */
  readonly unseal: (at: KeptAt, sealed: SealedTokens) => Promise<KeptTokens | NotOpened>
  readonly revoke: (provider: OAuthProvider, token: SecretValue) => Promise<Revoked>
}

export function createUpstream(
  options: Omit<FlowContext, 'upstreamServers'> & { readonly providers: readonly Provider[] },
): Upstream {
  const upstreamServers: ServerCache = new Map()
  const context: FlowContext = { ...options, upstreamServers }
  return {
    outbound: options.outbound,
    providers: new Map(options.providers.map((provider) => [provider.name, provider])),
    open: (provider, asked) => openFlow(context, provider, asked),
    take: (provider, shown) => takeFlow(context, provider, shown),
    finish: (provider, taken, parameters) => finishUpstream(context, provider, { ...taken, parameters }),
    refresh: (provider, held) => refreshUpstream(context, provider, held),
    login: (provider, given) => siteLogin(context, provider, given),
    keep: (about) => keepCredential(context, about),
    seal: (at, tokens) => sealTokens(context.keys, context.random, { at, tokens }),
    unseal: async (at, sealed) =>
      readWithNewest(
        context.keys,
        () => openTokens(context.keys, at, sealed),
        (found) => found === 'unknown_key',
      ),
    revoke: (provider, token) => revokeUpstream(context, provider, token),
  }
}
