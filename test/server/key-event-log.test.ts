import { expect, test } from 'vitest'
import { createKeyEventLog } from '../../src/server/key-event-log.ts'
import { createLog } from '../../src/server/log.ts'

function started() {
  const lines: string[] = []
  const clock = { millis: () => 0, seconds: () => 0, monotonic: () => 0 }
  const log = createLog({ level: 'info', clock, destination: { write: (line) => void lines.push(line) } })
  const told = () => {
    log.flush()
    return lines
      .join('')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  }
  return { ...createKeyEventLog(log), told }
}

test('the keys of a first start are one line; every later change is its own', () => {
  const { onKeyEvent, opened, told } = started()
  onKeyEvent({ type: 'created', ring: 'mac', keyId: 'k1' })
  onKeyEvent({ type: 'created', ring: 'cookie', keyId: 'k2' })
  opened()
  onKeyEvent({ type: 'created', ring: 'mac', keyId: 'k3' })
  expect(told()).toMatchObject([
    { event: 'key.changed', ring: 'all', keyId: 'all', state: 'created' },
    { event: 'key.changed', ring: 'mac', keyId: 'k3', state: 'created' },
  ])
})

test('a single key that a start makes, and whatever else it finds, is told by name', () => {
  const { onKeyEvent, opened, told } = started()
  onKeyEvent({ type: 'created', ring: 'mac', keyId: 'k1' })
  onKeyEvent({ type: 'unreadable', ring: 'cookie', keyId: 'k0' })
  opened()
  expect(told().map(({ ring, state }) => [ring, state])).toEqual([
    ['cookie', 'unreadable'],
    ['mac', 'created'],
  ])
})
