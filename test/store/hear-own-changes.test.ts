import { expect, test } from 'vitest'
import { announce } from '../../src/domain/change.ts'
import { append, put, ref } from '../../src/domain/record.ts'
import { createDirectory } from '../../src/store/directory.ts'
import { announcedIn, hearOwnChanges } from '../../src/store/hear-own-changes.ts'
import { openMemoryStore } from '../../src/store/memory.ts'
import type { StampedWrite } from '../../src/store/port.ts'
import { transition } from '../../src/store/transition.ts'
import { StoreUnavailable } from '../../src/store/unavailable.ts'

const clock = { seconds: () => 1000, monotonic: () => 0 }

test('INV4: a bump whose answer was lost counts at once on the node that was told of it', async () => {
  const { store: stored, admin } = openMemoryStore()
  const user = { v: 1, userId: 'usr_one', epoch: 1, bot: false } as never
  const first = {
    op: 'put',
    ...ref('user', 'usr_one'),
    expect: null,
    version: 'a',
    value: user,
    expiresAt: null,
    owners: [],
  } as const
  await stored.commit([first])
  let late: readonly StampedWrite[] | undefined
  const store = {
    ...stored,
    commit: async (writes: readonly StampedWrite[]) => {
      late = writes
      throw new StoreUnavailable('the answer was lost', 'unknown')
    },
    // Before the node looks whether its commit happened, somebody there asks for the account, and then it does happen.
    read: async (refs: Parameters<typeof stored.read>[0]) => {
      if (late !== undefined && refs[0]?.kind === 'event') {
        await directory.user('usr_one')
        await stored.commit(late)
        late = undefined
      }
      return stored.read(refs)
    },
  }
  const directory = await createDirectory({
    store,
    clock,
    admin: { changes: admin.changes, changesAre: 'polled' },
    later: () => () => undefined,
  })
  const context = {
    store: hearOwnChanges(store, directory.forget),
    clock,
    random: { stamp: () => Math.random().toString(36) },
    onSettled: (writes: readonly StampedWrite[]) => directory.forget(announcedIn(writes)),
  }
  await transition(context, { user: ref('user', 'usr_one') }, (slots, now) => ({
    writes: [
      put(slots.user, { ...slots.user.value, epoch: 2 } as never, { expiresAt: null }),
      announce('c', ref('user', 'usr_one'), now),
      append('e', { v: 1, type: 'epoch.bumped', at: now }),
    ],
    result: undefined,
  }))
  expect(await directory.user('usr_one')).toMatchObject({ epoch: 2 })
  directory.close()
})
