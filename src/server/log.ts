import { pino, type DestinationStream } from 'pino'
import type { Clock } from '../protocol/time.ts'
import { levels, type LogLine } from './log-line.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** One JSON line per event. */
export type Log = {
  readonly write: (line: LogLine) => void
  /** Whether debug lines are wanted: spares the hot path from making them. */
  readonly verbose: boolean
  /** Writes out what is still in memory, synchronously. For the very end. */
  readonly flush: () => void
}

/** Lines gather in memory for as long as the event loop is busy, so that a slow terminal doesn't hold up requests. */
export function createLog(options: {
  readonly level: LogLevel
  readonly clock: Pick<Clock, 'millis'>
  /** Default: standard output. */
  readonly destination?: DestinationStream
}): Log {
  const standardOutput = options.destination === undefined ? pino.destination({ dest: 1, sync: false }) : undefined
  const logger = pino(
    {
      level: options.level,
      base: null,
      messageKey: 'event',
      timestamp: () => `,"time":"${new Date(options.clock.millis()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    standardOutput ?? options.destination ?? process.stdout,
  )
  return {
    write: (line) => {
      const level = levels[line.event]
      if (!logger.isLevelEnabled(level)) return
      const { event, ...fields } = line
      logger[level](escaped(fields), event)
    },
    verbose: logger.isLevelEnabled('debug'),
    flush: () => {
      try {
        standardOutput?.flushSync()
      } catch {
        // Standard output is gone or was never opened: there is nobody to tell.
      }
    },
  }
}

/**
 * J14: JSON escapes C0 and nothing else. DEL, C1 (0x9B begins a terminal command), the Unicode line separators and the marks that
 * turn the reading direction around are escaped too.
 */
const treacherous = /[\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g

function escaped<T>(value: T): T
function escaped(value: unknown): unknown {
  if (typeof value === 'string') {
    return value.replace(treacherous, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`)
  }
  if (Array.isArray(value)) return value.map((item: unknown) => escaped(item))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, escaped<unknown>(item)]))
  }
  return value
}
