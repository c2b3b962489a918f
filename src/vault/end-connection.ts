import { eventWrite } from '../audit/event-write.ts'
import { endConnection, type Ending } from '../domain/connect.ts'
import type { Connection } from '../domain/connection.ts'
import type { Decision, Slot } from '../domain/record.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { newRevocation } from '../upstream/new-revocation.ts'
import { changeConnection } from './change-connection.ts'
import type { VaultContext } from './context.ts'
import { ownerOf } from './renew.ts'

type EndingContext = Pick<VaultContext, 'clock' | 'random' | 'protection'>

export type EndedBy = { readonly actor?: string; readonly address?: string; readonly reason?: string }

export type Disconnection = {
  readonly connection: Connection
  readonly by: EndedBy
  /** What is written of it where anybody may ask; absent: all. */
  readonly bound?: (slot: Slot<'connection'>, decision: Decision<boolean>) => Decision<boolean>
}

/** Disconnect. True if it was connected until now. The tokens go back to the provider by the errand that is written with it. */
export async function disconnect(
  context: EndingContext & Pick<VaultContext, 'transition'>,
  id: string,
  { connection, by, bound = (_, decision) => decision }: Disconnection,
): Promise<boolean> {
  const ending = await endingOf(context, id, { connection, by })
  return changeConnection(context.transition, id, (slot, now) => bound(slot, endConnection(slot, ending(now))))
}

/** What an ending is written with, made before the decision that may need it. */
export async function endingOf(
  context: EndingContext,
  id: string,
  { connection, by }: { readonly connection: Connection; readonly by: EndedBy },
): Promise<(now: EpochSeconds) => Ending> {
  const errand = await newRevocation(context)
  const event = eventWrite(context, { type: 'connection.revoked', ...ownerOf(connection), ...by, target: id })
  return (now) => ({ now, event, errand })
}
