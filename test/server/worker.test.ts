import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import type { UsersPolicy } from '../../src/config/config.ts'
import { createMetrics } from '../../src/server/metrics.ts'
import { attachWorker } from '../../src/server/worker.ts'
import type { ToWorker } from '../../src/server/worker-message.ts'

test('a policy of users that comes while a worker comes up counts after the one that it began with', async () => {
  const channel = Object.assign(new EventEmitter(), { send: () => true })
  const worker = attachWorker(channel as unknown as NodeJS.Process, createMetrics())
  const told = (message: ToWorker): void => void channel.emit('message', message)
  told({ is: 'begin', config: 'text', port: 8080 })
  told({ is: 'follow', usersPolicy: { registration: 'invite' } })
  told({ is: 'follow', usersPolicy: { registration: 'closed' } })
  expect(await worker.begun).toMatchObject({ config: 'text', port: 8080 })
  const followed: UsersPolicy[] = []
  worker.onFollow((policy) => void followed.push(policy))
  expect(followed).toEqual([{ registration: 'closed' }])
  told({ is: 'follow', usersPolicy: { registration: 'open' } })
  expect(followed.at(-1)).toEqual({ registration: 'open' })
})
