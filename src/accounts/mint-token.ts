import { eventWrite, type Happening } from '../audit/event-write.ts'
import type { Client } from '../domain/client.ts'
import { epochOf } from '../domain/epoch.ts'
import type { Grant } from '../domain/grant.ts'
import type { MintRequest } from '../domain/mint-request.ts'
import { check, create, ref, type Decision } from '../domain/record.ts'
import { resourceClaims } from '../domain/resource-claims.ts'
import { problem, type Problem } from '../protocol/problem.ts'
import { clockTolerance, type EpochSeconds, type Seconds } from '../protocol/time.ts'
import { transition } from '../store/transition.ts'
import { parseAttenuation } from '../tokens/attenuation.ts'
import { mint, TokenTooLarge, type MintKeys } from '../tokens/mint.ts'
import { parsePromise } from '../tokens/sealed-promise.ts'
import type { AccountsContext, Outcome } from './context.ts'
import { findUser } from './find-user.ts'
import { inMintedName, mintedClientId } from './minted-client.ts'
import { actorName } from './permit.ts'
import { permittedMint, type Minting, type Permitted } from './permitted-mint.ts'

export type MintContext = AccountsContext & { readonly issuer: string; readonly keys: MintKeys }

export type MintedToken = {
  readonly token: string
  readonly expiresIn: Seconds
  readonly grantId: string
  readonly scope: readonly string[]
}

/**
 * An access token for an account, without its sign-in: for scripts and bots. It has a grant of its own, so it is listed and ended
 * like every other; account, client and instance are checked in the commit, so nothing is minted across a lock or a bump.
 */
export async function mintToken(
  context: MintContext,
  minting: Minting,
  wanted: MintRequest,
): Promise<Outcome<MintedToken>> {
  const { random, clock, issuer } = context
  const caveats = caveatsOf(wanted)
  if (caveats === undefined) return { refused: noCaveat }
  const { connection } = wanted
  const { actor, userId, right, within } = minting
  // L26: not even an administrator reaches through somebody else's connection.
  if (connection !== undefined && actor.kind !== 'cli' && right !== 'mint-own') return { refused: ownersOnly }
  const id = () => random.id(clock.millis())
  const ids = { grantId: id(), jti: id(), noteId: id() }
  // Of a bot; whoever answers for it meanwhile is asked in the decision.
  const wrangler = (await findUser(context, userId))?.wrangler
  const refs = {
    instance: ref('instance', 'self'),
    user: ref('user', userId),
    wrangler: ref('user', wrangler ?? userId),
    client: ref('client', mintedClientId),
    // The issuer is nobody's API, so nothing stands under its name.
    resource: ref('resource', wanted.resource ?? issuer),
    connection: ref('connection', connection ?? '-'),
    asking: ref('grant', within?.grantId ?? '-'),
  } as const
  const asked = { minting, wanted, caveats, ids, wrangler }
  try {
    return await transition(context.transition, refs, (slots, now): Decision<Outcome<MintedToken>> => {
      const permitted = permittedMint(asked, slots)
      if ('refused' in permitted) return { writes: [], result: permitted }
      const named = inMintedName(slots.client, ids.noteId, now)
      if (named === undefined) return { writes: [], result: { refused: clientGone } }
      const epoch = epochOf(permitted.instance, permitted.user, named.client)
      const made = { ...permitted, client: named.client, epoch, now }
      const { scope, ttl } = permitted.plan
      return {
        writes: [
          create(ref('grant', ids.grantId), grantOf(asked, made), {
            owners: [userId, `client:${mintedClientId}`],
            expiresAt: now + ttl + clockTolerance,
          }),
          ...named.writes,
          check(slots.user),
          ...(wrangler === undefined ? [] : [check(slots.wrangler)]),
          ...(connection === undefined ? [] : [check(slots.connection)]),
          check(slots.instance),
          ...(within === undefined ? [] : [check(slots.asking)]),
          eventWrite(context, issuedEvent(asked, { scope, audience: wanted.resource ?? issuer })),
        ],
        result: {
          done: { token: tokenOf(context, asked, made), expiresIn: ttl, grantId: ids.grantId, scope },
        },
      }
    })
  } catch (error) {
    if (error instanceof TokenTooLarge) return { refused: tooLarge }
    throw error
  }
}

/** What is asked for, and what was made for it before the decision. */
type Asked = {
  readonly minting: Minting
  readonly wanted: MintRequest
  readonly caveats: Caveats
  readonly ids: { readonly grantId: string; readonly jti: string; readonly noteId: string }
  /** Who answered for the bot when it was looked up. */
  readonly wrangler: string | undefined
}

type Caveats = { readonly attenuations: readonly string[]; readonly promises: readonly ReadPromise[] }
type ReadPromise = NonNullable<ReturnType<typeof parsePromise>>

/** Undefined if one of them is no caveat. */
function caveatsOf({ caveats = [] }: MintRequest): Caveats | undefined {
  const parsed = caveats.map((caveat) => ({ caveat, promise: parsePromise(caveat) }))
  const attenuations = parsed.flatMap(({ caveat, promise }) => (promise === undefined ? [caveat] : []))
  if (attenuations.some((caveat) => parseAttenuation(caveat) === undefined)) return undefined
  return { attenuations, promises: parsed.flatMap(({ promise }) => promise ?? []) }
}

type Made = Permitted & { readonly client: Client; readonly epoch: string; readonly now: EpochSeconds }

/** Throws TokenTooLarge. */
function tokenOf(
  { issuer, keys }: MintContext,
  { minting, wanted, caveats, ids }: Asked,
  { user, plan, resource, client, epoch, now }: Made,
): string {
  const { connection } = wanted
  const { accessToken } = mint(keys, {
    issuer,
    client,
    subject: minting.userId,
    scope: plan.scope,
    audience: [wanted.resource ?? issuer],
    format: wanted.format,
    // First, so that every path behind it is one at the provider.
    attenuations:
      connection === undefined ? caveats.attenuations : [`connection = ${connection}`, ...caveats.attenuations],
    accessClaims: { ...resourceClaims(user, resource), ...(connection !== undefined && { connection }) },
    promises: caveats.promises,
    ttl: plan.ttl,
    now,
    jti: ids.jti,
    grantId: ids.grantId,
    epoch,
  })
  return accessToken
}

function grantOf({ minting, wanted }: Asked, { plan, epoch, now }: Made): Grant {
  return {
    v: 1,
    clientId: mintedClientId,
    userId: minting.userId,
    scope: plan.scope,
    resources: wanted.resource === undefined ? [] : [wanted.resource],
    epoch,
    createdAt: now,
    // Nobody proved to be this person: whatever asks for that must not take this for it.
    authentication: { authTime: 0, acr: 'minted', amr: [] },
    minted: wanted.format,
    ...(minting.within !== undefined && { madeThrough: minting.within.clientId }),
    ...(wanted.name !== undefined && { deviceName: wanted.name }),
  }
}

function issuedEvent(
  { minting: { actor, userId, address }, wanted: { connection }, ids: { grantId, jti } }: Asked,
  { scope, audience }: { readonly scope: readonly string[]; readonly audience: string },
): Happening {
  return {
    type: 'token.issued',
    clientId: mintedClientId,
    userId,
    grantId,
    jti,
    grantType: 'minted',
    scope: scope.join(' '),
    audience: [audience],
    ...(connection !== undefined && { target: connection }),
    actor: actorName(actor),
    ...(address !== undefined && { address }),
  }
}

const noCaveat: Problem = problem('invalid_field', {
  field: 'caveats',
  detail:
    'a caveat is none of time <, scope =, aud =, connection =, endpoint =, method =, path =, ip =, discharge =, or not in its one spelling',
})
const ownersOnly: Problem = problem('forbidden', {
  detail: 'a capability to a connection is made by its owner alone: POST /api/v1/me/tokens',
})
const tooLarge: Problem = problem('invalid_field', {
  field: 'scope',
  detail: 'the token would be too long: ask for less scope or fewer caveats',
})
const clientGone: Problem = problem('conflict', {
  detail: `the client ${mintedClientId}, in whose name tokens are minted, was deleted or changed`,
})
