import type { OAuthProvider } from '../../src/config/provider.ts'
import { connectionExpiry, connectionOwners, type HeldConnection } from '../../src/domain/connection.ts'
import { recallsOf } from '../../src/domain/recall.ts'
import { create, put, ref } from '../../src/domain/record.ts'
import { isRefusal } from '../../src/protocol/errors.ts'
import { parseParameters } from '../../src/protocol/parameters.ts'
import { commitNew, transition } from '../../src/store/transition.ts'
import type { FreshToken } from '../../src/vault/fresh-token.ts'
import { sealedAs } from '../../src/vault/renew.ts'
import { consent, startEmulator, type Emulator, type Reply } from '../emulators/emulator.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import type { TestGatehouse } from '../kit/gatehouse.ts'
import { openedTokens, readOAuthProvider } from '../upstream/house.ts'

/** The entry of an emulated Etsy, as an operator would write it. */
export function etsyProvider(
  etsy: Pick<Etsy, 'url' | 'keystring' | 'sharedSecret'>,
  more: Readonly<Record<string, unknown>> = {},
): OAuthProvider {
  return readOAuthProvider(
    {
      name: 'etsy',
      preset: 'etsy',
      client_id: etsy.keystring,
      shared_secret: { env: 'S' },
      authorization_endpoint: `${etsy.url}/oauth/connect`,
      token_endpoint: `${etsy.url}/v3/public/oauth/token`,
      api_base: etsy.url,
      callback_path: '/etsy',
      anonymous: true,
      ...more,
    },
    { S: etsy.sharedSecret },
  )
}

/** An Etsy that takes tokens back (RFC 7009), which the real one doesn't. */
export type RevokingEtsy = {
  readonly etsy: Etsy
  readonly provider: OAuthProvider
  /** What is asked where tokens are taken back. */
  readonly revoking: Emulator
  /** What is answered there next; afterwards, that it is done. */
  readonly replies: Reply[]
  readonly close: () => Promise<void>
}

export async function startRevokingEtsy(): Promise<RevokingEtsy> {
  const replies: Reply[] = []
  const [etsy, revoking] = [await startEtsy(), await startEmulator(() => replies.shift() ?? { json: {} })]
  return {
    etsy,
    provider: etsyProvider(etsy, { revocation_endpoint: `${revoking.url}/revoke` }),
    revoking,
    replies,
    close: async () => void (await Promise.all([etsy.close(), revoking.close()])),
  }
}

export const browserHash = 'a browser'

/** What that browser comes back from the provider with, where somebody agreed. */
export async function comeBack({ core }: Pick<TestGatehouse, 'core'>, provider: OAuthProvider) {
  const { connectScope: scope } = provider
  const purpose = { for: 'sign-in' } as const
  const opened = await core.upstream.open(provider, { purpose, browserHash, scope, offline: true })
  if (opened.kind !== 'begun') throw new Error(JSON.stringify(opened))
  const parameters = parseParameters(new URL(await consent(opened.url)).search.slice(1))
  if (isRefusal(parameters)) throw new Error(parameters.reason)
  return { parameters, state: parameters.get('state') }
}

/** A connection as somebody's consent at the provider makes it, without the pages; its id. */
export async function connectDirectly(
  { core }: Pick<TestGatehouse, 'core'>,
  provider: OAuthProvider,
  owner: HeldConnection['owner'] = { kind: 'handle' },
): Promise<string> {
  const { parameters, state } = await comeBack({ core }, provider)
  const taken = await core.upstream.take(provider, { state, browserHash })
  if (isRefusal(taken)) throw new Error(taken.reason)
  const finished = await core.upstream.finish(provider, taken, parameters)
  if (finished.kind !== 'done') throw new Error(JSON.stringify(finished))
  const id = core.random.id(core.clock.millis())
  const now = core.clock.seconds()
  const instance = await core.directory.instance()
  const { instanceId } = instance
  const connection: HeldConnection = {
    v: 1,
    provider: provider.name,
    owner,
    recallsBefore: recallsOf(instance, provider.name),
    state: 'active',
    account: finished.identity?.subject ?? '',
    ...sealedAs(core, { instanceId, id, edition: 1, tokens: finished.tokens, now }),
    createdAt: now,
    updatedAt: now,
    lastUsedAt: now,
  }
  await commitNew(core.transition, [
    create(ref('connection', id), connection, {
      owners: connectionOwners(connection),
      expiresAt: connectionExpiry(connection),
    }),
  ])
  return id
}

/** What the vault keeps, opened: for comparing it with what the provider gave. */
export async function keptTokens({ core }: Pick<TestGatehouse, 'core'>, id: string) {
  const connection = await storedConnection({ core }, id)
  const { instanceId } = await core.directory.instance()
  const unsealed = await core.upstream.unseal(
    { instanceId, kind: 'connection', id, edition: connection.edition },
    connection,
  )
  const tokens = openedTokens(unsealed)
  return { access: tokens.accessToken.reveal(), refresh: tokens.refreshToken?.reveal() }
}

export async function storedConnection({ core }: Pick<TestGatehouse, 'core'>, id: string): Promise<HeldConnection> {
  const [record] = await core.transition.store.read([ref('connection', id)])
  if (record === undefined) throw new Error('no such connection')
  return record.value as HeldConnection
}

/** As if its token had come long ago; among nodes, or beside a real provider, the clock itself can't be moved. */
export async function expire({ core }: Pick<TestGatehouse, 'core'>, id: string): Promise<void> {
  const issuedAt = core.clock.seconds() - 4000
  await transition(core.transition, { slot: ref('connection', id) }, ({ slot }) => {
    const connection = { ...(slot.value as HeldConnection), issuedAt, expiresAt: issuedAt + 3600 }
    return { writes: [put(slot, connection, { expiresAt: null })], result: undefined }
  })
}

/** What happened to it, in the order of time; what happened within a millisecond in any order, since an id is that and chance. */
export async function eventsOf({ core }: Pick<TestGatehouse, 'core'>, id: string): Promise<readonly string[]> {
  const found: string[] = []
  for await (const { value } of core.admin.scan('event')) {
    if ('target' in value && value.target === id && 'type' in value) found.push(value.type)
  }
  return found
}

/** Asks while time goes on quickly: whoever watches the refresh of a process that died sees its lease end. */
export async function fetchAsTimeGoesOn(
  { core, clock }: Pick<TestGatehouse, 'core' | 'clock'>,
  connection: string,
): Promise<FreshToken> {
  const timer = setInterval(() => clock.advance(4), 30)
  try {
    return await core.vault.freshToken({ connection })
  } finally {
    clearInterval(timer)
  }
}
