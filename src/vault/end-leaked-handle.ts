import { leakWrites, type Leak, type LeakContext } from '../accounts/report-leak.ts'
import { endConnection } from '../domain/connect.ts'
import { isRefusal } from '../protocol/errors.ts'
import { changeConnection } from './change-connection.ts'
import { endingOf } from './end-connection.ts'
import { endStart } from './end-start.ts'
import { findByHandle, readHandle } from './pick-up.ts'

/**
 * A handle that somebody found where others can read it: whoever read it has the tokens, so its connection ends, and they go back to
 * the provider. Whose connection it is gets a letter. Everything else is as if nobody had asked.
 */
export async function endLeakedHandle(context: LeakContext, leak: Leak): Promise<void> {
  const found = await findByHandle(context, await readHandle(context.keys, leak.text))
  if (isRefusal(found)) return void (await endStart(context, leak.text))
  const { connection, handle } = found
  const { owner, clientId } = connection
  const user = owner.kind === 'user' ? await context.directory.user(owner.userId) : undefined
  const leaked = leakWrites(context, leak, { user, about: clientId === undefined ? {} : { clientId } })
  const id = handle.connectionId
  const ending = await endingOf(context, id, { connection, by: { address: leak.address, reason: 'leaked' } })
  const told = await changeConnection(context.transition, id, (slot, now) => {
    const { writes, result } = endConnection(slot, ending(now))
    return { writes: result ? [...writes, leaked.event, ...leaked.letter] : writes, result }
  })
  if (told) context.outbox?.wake()
}
