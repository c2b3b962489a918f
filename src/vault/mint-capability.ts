import { eventWrite } from '../audit/event-write.ts'
import type { MintContext } from '../accounts/mint-token.ts'
import { inMintedName, mintedClientId } from '../accounts/minted-client.ts'
import { isHeld, type Connection } from '../domain/connection.ts'
import { epochOf } from '../domain/epoch.ts'
import { lifetimes } from '../domain/lifetimes.ts'
import { check, ref, type Decision } from '../domain/record.ts'
import { refuse, type Refusal } from '../protocol/errors.ts'
import type { Seconds } from '../protocol/time.ts'
import { transition } from '../store/transition.ts'
import { parseAttenuation } from '../tokens/attenuation.ts'
import { mint, TokenTooLarge } from '../tokens/mint.ts'
import { refusalOf } from './pick-up.ts'

export type Capability = { readonly token: string; readonly expiresIn: Seconds }

export type CapabilityRequest = {
  /** Id of the connection. Whoever asks has found out that it may be used for him. */
  readonly connection: string
  readonly caveats: readonly string[]
  readonly ttl?: Seconds | undefined
  readonly actor?: string
  readonly address?: string
}

/**
 * A macaroon that opens one connection of a client, or of whoever holds its handle, and nothing else. It is the client's own token, or
 * nobody's, so it has no grant: it ends by its time, as a token, with its client, and with the connection. Those of accounts
 * are made as their other tokens are (`accounts/mint-token.ts`).
 */
export async function mintCapability(context: MintContext, wanted: CapabilityRequest): Promise<Capability | Refusal> {
  const { random, clock, issuer, keys } = context
  const { connection: id, caveats, ttl = lifetimes.capability, actor, address } = wanted
  if (caveats.some((caveat) => parseAttenuation(caveat) === undefined))
    return refuse('invalid_request', 'parameter_malformed', 'a caveat is none that this server knows')
  if (ttl < 1 || ttl > lifetimes.longestMinted)
    return refuse('invalid_request', 'parameter_malformed', `ttl must be from 1 to ${lifetimes.longestMinted}`)
  const [grantId, jti, noteId] = [0, 1, 2].map(() => random.id(clock.millis())) as [string, string, string]
  const [before] = await context.transition.store.read([ref('connection', id)])
  const owner = (before?.value as Connection | undefined)?.owner
  const clientId = owner?.kind === 'client' ? owner.clientId : mintedClientId
  const refs = {
    instance: ref('instance', 'self'),
    client: ref('client', clientId),
    connection: ref('connection', id),
  }
  try {
    return await transition(context.transition, refs, (slots, now): Decision<Capability | Refusal> => {
      const no = (refusal: Refusal) => ({ writes: [], result: refusal })
      const { value: instance } = slots.instance
      const { value: connection } = slots.connection
      if (instance === undefined || connection === undefined) return no(refusalOf({ outcome: 'unknown' }))
      if (connection.owner.kind === 'user') return no(ownersOnly)
      if (!isHeld(connection)) return no(refusalOf({ outcome: connection.state }))
      if (connection.confirmation !== undefined) return no(refusalOf({ outcome: 'pending' }))
      const named =
        connection.owner.kind === 'client'
          ? { client: slots.client.value, writes: [check(slots.client)] }
          : inMintedName(slots.client, noteId, now)
      if (named?.client === undefined || named.client.disabled) return no(refuse('access_denied', 'client_disabled'))
      const { client, writes } = named
      const { accessToken } = mint(keys, {
        issuer,
        client,
        subject: clientId,
        scope: [],
        audience: [issuer],
        format: 'macaroon',
        // First, so that every path behind it is one at the provider.
        attenuations: [`connection = ${id}`, ...caveats],
        accessClaims: { connection: id },
        promises: [],
        ttl,
        now,
        jti,
        grantId,
        epoch: epochOf(instance, undefined, client),
      })
      const event = eventWrite(context, {
        type: 'token.issued',
        clientId,
        grantId,
        jti,
        grantType: 'minted',
        audience: [issuer],
        target: id,
        ...(actor !== undefined && { actor }),
        ...(address !== undefined && { address }),
      })
      return {
        writes: [...writes, check(slots.connection), check(slots.instance), event],
        result: { token: accessToken, expiresIn: ttl },
      }
    })
  } catch (error) {
    if (error instanceof TokenTooLarge)
      return refuse('invalid_request', 'parameter_too_long', 'the token would be too long: ask for fewer caveats')
    throw error
  }
}

const ownersOnly = refuse(
  'access_denied',
  'connection_consent',
  'a capability to the connection of an account is made by its owner: POST /api/v1/me/tokens',
)
