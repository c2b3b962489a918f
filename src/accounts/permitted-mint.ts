import type { Actor } from '../domain/authority.ts'
import type { Instance } from '../domain/instance.ts'
import { planMint, type MintPlan, type MintRequest } from '../domain/mint-request.ts'
import type { Slot } from '../domain/record.ts'
import type { Resource } from '../domain/resource.ts'
import { underWrangler } from '../domain/under-wrangler.ts'
import type { User } from '../domain/user.ts'
import { problem, type Problem } from '../protocol/problem.ts'
import { noSuchUser } from './no-such-user.ts'
import { permit } from './permit.ts'

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

type Asked = {
  readonly minting: Minting
  readonly wanted: MintRequest
  readonly wrangler: string | undefined
}

type MintSlots = {
  readonly instance: Slot<'instance'>
  readonly user: Slot<'user'>
  readonly wrangler: Slot<'user'>
  readonly resource: Slot<'resource'>
  readonly connection: Slot<'connection'>
  readonly asking: Slot<'grant'>
}

export type Permitted = {
  readonly instance: Instance
  /** With no more than whoever answers for it has. */
  readonly user: User
  readonly plan: MintPlan
  readonly resource: Resource | undefined
}

/** Whether the account may have it from this actor, as everything stands in the commit; `wrangler`: of the bot, when it was looked up. */
export function permittedMint(
  { minting, wanted, wrangler }: Asked,
  slots: MintSlots,
): Permitted | { readonly refused: Problem } {
  const { actor, right = 'mint', within, bar } = minting
  const account = slots.user.value
  const instance = slots.instance.value
  const resource = slots.resource.value
  if (account === undefined || instance === undefined) return { refused: noSuchUser }
  if (account.wrangler !== wrangler) return { refused: handedOver }
  const user = underWrangler(account, wrangler === undefined ? undefined : slots.wrangler.value)
  const plan = planMint(wanted, user, { resource, connection: slots.connection.value })
  const scopes = 'field' in plan ? [] : plan.scope
  // With the role that is its own: its wrangler may get back what he lost.
  const refused = permit(actor, { do: right, target: account, scopes, resource })
  if (refused !== undefined) return { refused }
  const barred = bar?.(user)
  if (barred !== undefined) return { refused: barred }
  if ('field' in plan) return { refused: problem('invalid_field', plan) }
  // What is taken back in this very moment makes nothing any more.
  if (slots.asking.value?.revokedAt !== undefined) return { refused: askingGone }
  if (within !== undefined && !reaches(within, plan.scope, wanted.resource)) return { refused: wider }
  if (user.locked) return { refused: account.locked ? lockedItself : lockedWithWrangler }
  return { instance, user, plan, resource }
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
