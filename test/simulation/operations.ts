import { announce } from '../../src/domain/change.ts'
import type { Client } from '../../src/domain/client.ts'
import { bumpedEpoch, epochOf } from '../../src/domain/epoch.ts'
import type { AuditEvent, EventType } from '../../src/domain/event.ts'
import type { Grant, Imprint } from '../../src/domain/grant.ts'
import { append, create, put, ref } from '../../src/domain/record.ts'
import { isRefusal, type Refusal } from '../../src/protocol/errors.ts'
import { recollect } from '../../src/store/look-up.ts'
import { commitNew } from '../../src/store/transition.ts'
import { readAlive } from '../../src/store/read-alive.ts'
import type { Core } from './core.ts'
import type { Node } from './node.ts'

/** A token as a client holds it: what its MAC would prove. */
export type Held = { readonly grantId: string; readonly generation: number; readonly imprint: Imprint }
export type Issued = { readonly held: Held; readonly epoch: string; readonly eventId: string }

export const accessTtl = 300
export const idleTtl = 600
const absoluteTtl = 3_600
const codeTtl = 60
const challenge = 'challenge'
export const clientId = 'app'
const userId = 'usr_one'

// What follows is the order of calls of grants/*.ts and of the sender's checks, without their parsing and signing.

async function epochNow(node: Node): Promise<string | undefined> {
  const instance = await node.directory.instance()
  const user = await node.directory.user(userId)
  const client = await node.directory.client(clientId)
  return user === undefined || client === undefined ? undefined : epochOf(instance, user, client)
}

function eventOf(node: Node, type: EventType, grantId: string): AuditEvent {
  return { v: 1, type, at: node.seconds(), clientId, userId, grantId }
}

const freshImprint = (node: Node): Imprint => ({ nonce: node.id(), keyId: 'k' })

/** The end of a sign-in: a grant with its code. */
export async function issueCode(node: Node): Promise<Held> {
  const epoch = (await epochNow(node)) ?? ''
  const grantId = node.id()
  const imprint = freshImprint(node)
  const now = node.seconds()
  const grant: Grant = {
    v: 1,
    clientId,
    userId,
    scope: ['read'],
    resources: [],
    epoch,
    createdAt: now,
    authentication: { acr: '1', amr: ['pwd'] },
    code: { ...imprint, redirectUri: 'https://app.example/cb', codeChallenge: challenge, expiresAt: now + codeTtl },
  }
  await commitNew(node.context, [
    create(ref('grant', grantId), grant, { expiresAt: now + codeTtl, owners: [userId] }),
    append(node.id(), eventOf(node, 'code.issued', grantId)),
  ])
  node.directory.assertFresh()
  return { grantId, generation: 0, imprint }
}

export async function redeem(core: Core, node: Node, code: Held): Promise<Issued | Refusal> {
  const now = node.seconds()
  const epoch = (await epochNow(node)) ?? ''
  const imprint = freshImprint(node)
  const eventId = node.id()
  const outcome = await core.transition(node.context, { grant: ref('grant', code.grantId) }, ({ grant }) =>
    core.redeemCode(grant, {
      now,
      imprint: code.imprint,
      clientId,
      challenge,
      epoch,
      refresh: { imprint, idleTtl, absoluteExpiresAt: now + absoluteTtl },
      accessTtl,
      eventId,
      issued: eventOf(node, 'token.issued', code.grantId),
      address: '192.0.2.1',
    }),
  )
  if (isRefusal(outcome)) return outcome
  node.directory.assertFresh()
  return { held: { grantId: code.grantId, generation: 0, imprint }, epoch, eventId }
}

export async function rotate(core: Core, node: Node, presented: Held): Promise<Issued | Refusal | undefined> {
  const { grantId } = presented
  const now = node.seconds()
  const known = await recollect(node.context, ref('grant', grantId), now)
  if (known === undefined) return undefined
  const epoch = (await epochNow(node)) ?? ''
  const fresh = freshImprint(node)
  const eventId = node.id()
  const outcome = await core.transition(node.context, { grant: ref('grant', grantId) }, ({ grant }) =>
    core.rotateRefresh(grant, {
      now,
      generation: presented.generation,
      imprint: presented.imprint,
      clientId,
      epoch,
      readyAt: node.readyAt,
      fresh,
      accessTtl,
      eventId,
      issued: eventOf(node, 'token.refreshed', grantId),
      address: '192.0.2.1',
    }),
  )
  if (isRefusal(outcome)) return outcome
  node.directory.assertFresh()
  return { held: { grantId, generation: outcome.generation, imprint: outcome.imprint }, epoch, eventId }
}

export async function revoke(core: Core, node: Node, grantId: string): Promise<'revoked' | 'already' | 'unknown'> {
  const eventId = node.id()
  return core.transition(node.context, { grant: ref('grant', grantId) }, ({ grant }, now) =>
    core.revokeGrant(grant, { now, eventId, event: eventOf(node, 'grant.revoked', grantId) }),
  )
}

/** Everything that was issued to the account, or to everybody, ends. */
export async function bump(core: Core, node: Node, whose: 'instance' | 'user' | 'client'): Promise<number> {
  const [changeId, eventId] = [node.id(), node.id()]
  const target = { instance: ref('instance', 'self'), user: ref('user', userId), client: ref('client', clientId) }[
    whose
  ]
  return core.transition(node.context, { target }, ({ target: slot }, now) => {
    const { value } = slot
    if (value === undefined || !('epoch' in value) || typeof value.epoch !== 'number') return { writes: [], result: 0 }
    const epoch = bumpedEpoch(value.epoch, node.millis())
    const bumped = { ...value, epoch } as Client
    return {
      writes: [
        put(slot, bumped, { expiresAt: null }),
        announce(changeId, target, now),
        append(eventId, { v: 1, type: 'epoch.bumped', at: now, target: whose }),
      ],
      result: epoch,
    }
  })
}

/** Whether an access token of this grant and epoch counts. */
export async function introspect(node: Node, grantId: string, epoch: string): Promise<boolean> {
  if ((await epochNow(node)) !== epoch) return false
  const grant = await readAlive(node.context.store, ref('grant', grantId), node.seconds())
  if (grant === undefined || grant.revokedAt !== undefined) return false
  node.directory.assertFresh()
  return true
}

/** Something that may happen once: true for whoever was first. */
export async function useOnce(core: Core, node: Node, jti: string): Promise<boolean> {
  const eventId = node.id()
  return core.transition(node.context, { once: ref('once', jti) }, ({ once }, now) =>
    once.value !== undefined
      ? { writes: [], result: false }
      : {
          writes: [
            put(once, { v: 1 }, { expiresAt: now + accessTtl, owners: [] }),
            append(eventId, { v: 1, type: 'token.issued', at: now, jti }),
          ],
          result: true,
        },
  )
}
