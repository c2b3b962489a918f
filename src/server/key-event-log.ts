import type { KeyEvent } from '../keys/context.ts'
import type { Log } from './log.ts'

/** What happens to keys, as log lines. All that a first start makes before `opened` is one line, not one for each ring. */
export function createKeyEventLog(log: Log): {
  readonly onKeyEvent: (event: KeyEvent) => void
  readonly opened: () => void
} {
  let made: KeyEvent[] | undefined = []
  const write = ({ type, ring, keyId }: KeyEvent): void =>
    log.write({ event: 'key.changed', ring: ring ?? 'all', keyId: keyId ?? 'all', state: type })
  return {
    onKeyEvent: (event) => {
      if (made !== undefined && event.type === 'created') made.push(event)
      else write(event)
    },
    opened: () => {
      const [only, ...more] = made ?? []
      made = undefined
      if (only !== undefined) write(more.length === 0 ? only : { type: 'created' })
    },
  }
}
