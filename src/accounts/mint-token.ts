import { eventWrite } from '../audit/event-write.ts'
import type { Actor } from '../domain/authority.ts'
import { epochOf } from '../domain/epoch.ts'
import type { Grant } from '../domain/grant.ts'
import { planMint, type MintRequest } from '../domain/mint-request.ts'
import { check, create, ref, type Decision } from '../domain/record.ts'
import { resourceClaims } from '../domain/resource-claims.ts'
import { underWrangler } from '../domain/under-wrangler.ts'
import type { User } from '../domain/user.ts'
import { problem, type Problem } from '../protocol/problem.ts'
import { clockTolerance, type Seconds } from '../protocol/time.ts'
import { transition } from '../store/transition.ts'
import { parseAttenuation } from '../tokens/attenuation.ts'
import { mint, TokenTooLarge, type MintKeys } from '../tokens/mint.ts'
import { parsePromise } from '../tokens/sealed-promise.ts'
import type { AccountsContext, Outcome } from './context.ts'
import { findUser } from './find-user.ts'
import { inMintedName, mintedClientId } from './minted-client.ts'
import { noSuchUser } from './no-such-user.ts'
import { actorName, permit } from './permit.ts'

export type MintContext = AccountsContext & { readonly issuer: string; readonly keys: MintKeys }

export type MintedToken = {
  readonly token: string
  readonly expiresIn: Seconds
  readonly grantId: string
  readonly scope: readonly string[]
}

/** For whom a token is made, by whom, and by what right. */
export type Minting = {
  readonly actor: Actor
  readonly userId: string
  readonly address?: string
  /** Default: as an administrator. */
  readonly right?: 'mint' | 'mint-own' | 'provision'
  /** The token that asks for this one: no token makes a wider one. Absent: no token asks. */
  readonly within?: Asking
  /** What else keeps an account from it; asked in the commit too, of the account as it stands then. */
  readonly bar?: (user: User) => Problem | undefined
}

type Asking = {
  readonly clientId: string
  readonly grantId: string
  /** How far it reaches. */
  readonly scope: readonly string[]
  readonly resources: readonly string[]
}

/**
 * An access token for an account, without its sign-in: for scripts and bots. It has a grant of its own, so it is listed and ended
 * like every other; account, client and instance are checked in the commit, so nothing is minted across a lock or a bump.
 */
export async function mintToken(
  context: MintContext,
  { actor, userId, address, right = 'mint', within, bar }: Minting,
  wanted: MintRequest,
): Promise<Outcome<MintedToken>> {
  const { random, clock, issuer, keys } = context
  const caveats = wanted.caveats ?? []
  const promises = caveats.map(parsePromise)
  const attenuations = caveats.filter((_, index) => promises[index] === undefined)
  if (attenuations.some((caveat) => parseAttenuation(caveat) === undefined)) return { refused: noCaveat }
  const { connection } = wanted
  // L26: not even an administrator reaches through somebody else's connection.
  if (connection !== undefined && actor.kind !== 'cli' && right !== 'mint-own') return { refused: ownersOnly }
  const id = () => random.id(clock.millis())
  const [grantId, jti, noteId] = [id(), id(), id()]
  const audience = wanted.resource ?? issuer
  // Of a bot; whoever answers for it meanwhile is asked in the decision.
  const wrangler = (await findUser(context, userId))?.wrangler
  const refs = {
    instance: ref('instance', 'self'),
    user: ref('user', userId),
    wrangler: ref('user', wrangler ?? userId),
    client: ref('client', mintedClientId),
    // The issuer is nobody's API, so nothing stands under its name.
    resource: ref('resource', audience),
    connection: ref('connection', connection ?? '-'),
    asking: ref('grant', within?.grantId ?? '-'),
  }
  try {
    return await transition(context.transition, refs, (slots, now): Decision<Outcome<MintedToken>> => {
      const no = (refused: Problem) => ({ writes: [], result: { refused } })
      const account = slots.user.value
      const instance = slots.instance.value
      if (account === undefined || instance === undefined) return no(noSuchUser)
      if (account.wrangler !== wrangler) return no(handedOver)
      const user = underWrangler(account, wrangler === undefined ? undefined : slots.wrangler.value)
      const plan = planMint(wanted, user, { resource: slots.resource.value, connection: slots.connection.value })
      const refused = permit(actor, {
        do: right,
        // With the role that is its own: its wrangler may get back what he lost.
        target: account,
        scopes: 'field' in plan ? [] : plan.scope,
        resource: slots.resource.value,
      })
      if (refused !== undefined) return no(refused)
      const barred = bar?.(user)
      if (barred !== undefined) return no(barred)
      if ('field' in plan) return no(problem('invalid_field', plan))
      // What is taken back in this very moment makes nothing any more.
      if (slots.asking.value?.revokedAt !== undefined) return no(askingGone)
      if (within !== undefined && !reaches(within, plan.scope, wanted.resource)) return no(wider)
      if (user.locked) return no(account.locked ? lockedItself : lockedWithWrangler)
      const named = inMintedName(slots.client, noteId, now)
      if (named === undefined) return no(clientGone)
      const { client } = named
      const { ttl, scope } = plan
      const epoch = epochOf(instance, user, client)
      const { accessToken } = mint(keys, {
        issuer,
        client,
        subject: userId,
        scope,
        audience: [audience],
        format: wanted.format,
        // First, so that every path behind it is one at the provider.
        attenuations: connection === undefined ? attenuations : [`connection = ${connection}`, ...attenuations],
        accessClaims: {
          ...resourceClaims(user, slots.resource.value),
          ...(connection !== undefined && { connection }),
        },
        promises: promises.filter((promise) => promise !== undefined),
        ttl,
        now,
        jti,
        grantId,
        epoch,
      })
      const grant: Grant = {
        v: 1,
        clientId: mintedClientId,
        userId,
        scope,
        resources: wanted.resource === undefined ? [] : [wanted.resource],
        epoch,
        createdAt: now,
        // Nobody proved to be this person: whatever asks for that must not take this for it.
        authentication: { authTime: 0, acr: 'minted', amr: [] },
        minted: wanted.format,
        ...(within !== undefined && { madeThrough: within.clientId }),
        ...(wanted.name !== undefined && { deviceName: wanted.name }),
      }
      return {
        writes: [
          create(ref('grant', grantId), grant, {
            owners: [userId, `client:${mintedClientId}`],
            expiresAt: now + ttl + clockTolerance,
          }),
          ...named.writes,
          check(slots.user),
          ...(wrangler === undefined ? [] : [check(slots.wrangler)]),
          ...(connection === undefined ? [] : [check(slots.connection)]),
          check(slots.instance),
          ...(within === undefined ? [] : [check(slots.asking)]),
          eventWrite(context, {
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
          }),
        ],
        result: { done: { token: accessToken, expiresIn: ttl, grantId, scope } },
      }
    })
  } catch (error) {
    if (error instanceof TokenTooLarge) return { refused: tooLarge }
    throw error
  }
}

function reaches(
  within: Pick<Asking, 'scope' | 'resources'>,
  scope: readonly string[],
  resource: string | undefined,
): boolean {
  return (
    scope.every((one) => within.scope.includes(one)) && (resource === undefined || within.resources.includes(resource))
  )
}

const lockedItself: Problem = problem('conflict', { detail: 'the account is locked; unlock it first' })
const lockedWithWrangler: Problem = problem('conflict', {
  detail: 'the person who answers for the bot is locked or gone; unlock him, or give the bot another wrangler',
})
const handedOver: Problem = problem('conflict', { detail: 'the bot was given another wrangler just now; try again' })
const wider: Problem = problem('forbidden', {
  detail:
    'a token makes none that reaches further than it does: sign in with the scopes and the API that this one is for',
})
const askingGone: Problem = problem('forbidden', { detail: 'the token that asks was revoked' })
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
