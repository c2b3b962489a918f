/** What an error may tell the log: never its message, unless it is one of ours, because messages quote what they choke on. */
export type LoggedError = {
  readonly name: string
  readonly code?: string
  readonly message?: string
  readonly frames: readonly string[]
  readonly cause?: LoggedError
}

/**
 * Everything that is ever logged: a closed list, so that no line can hold a body, a query, a header or a token. Values that come
 * from outside are addresses and ids, and are escaped when written.
 */
export type LogLine =
  | { readonly event: 'server.started'; readonly address: string; readonly issuer: string; readonly version?: string }
  | { readonly event: 'server.stopping'; readonly signal: string }
  | { readonly event: 'server.stopped'; readonly millis: number; readonly unfinished: number }
  | { readonly event: 'worker.ended'; readonly why: string; readonly againMillis: number }
  | { readonly event: 'server.overloaded'; readonly delayMillis: number }
  | { readonly event: 'server.recovered'; readonly delayMillis: number }
  | { readonly event: 'config.warning'; readonly warning: string }
  | { readonly event: 'config.reloaded' }
  | { readonly event: 'config.refused'; readonly problems: readonly string[] }
  | {
      readonly event: 'request.answered'
      readonly method: string
      readonly route: string
      readonly status: number
      readonly millis: number
      readonly address: string
    }
  | {
      readonly event: 'request.refused'
      readonly endpoint: string
      readonly error: string
      readonly reason: string
      readonly clientId?: string
      readonly address?: string
      /** Stands on the error page that somebody saw. */
      readonly reference?: string
    }
  /** Once for each client while a server runs: it ought to make a challenge for every request. */
  | { readonly event: 'client.repeats_challenge'; readonly clientId: string }
  | { readonly event: 'request.malformed'; readonly reason: string; readonly address: string }
  | {
      readonly event: 'request.unavailable' | 'request.failed'
      readonly reference: string
      readonly route: string
      readonly error: LoggedError
      /** How many lines like this one were left out since the last. */
      readonly suppressed?: number
    }
  | { readonly event: 'key.changed'; readonly ring: string; readonly keyId: string; readonly state: string }
  /** `--dev-mail`, on a loopback issuer alone: the one line that holds a link of a letter. */
  | { readonly event: 'mail.letter'; readonly to: string; readonly subject: string; readonly text: string }
  | { readonly event: 'mail.failed'; readonly error: LoggedError }
  /** Where the chain of events ends now: kept elsewhere, this line proves later that nothing before it was written anew. */
  | { readonly event: 'events.sealed'; readonly seal: number; readonly hash: string; readonly count: number }
  | { readonly event: 'vault.failed'; readonly error: LoggedError }
  | { readonly event: 'audit.sink_down'; readonly reason: string }
  | { readonly event: 'audit.sink_up' }
  | { readonly event: 'upkeep.failed'; readonly job: string; readonly error: LoggedError }
  | { readonly event: 'upkeep.paused'; readonly reason: string }
  /** The database was moved, and what was issued before counts no more. */
  | { readonly event: 'store.fenced' }
  | { readonly event: 'store.damaged' | 'store.failed'; readonly error: LoggedError }
  | { readonly event: 'process.unhandled_rejection' | 'process.uncaught_exception'; readonly error: LoggedError }

export type LogEvent = LogLine['event']

/** How much each line matters, decided once. */
export const levels = {
  'server.started': 'info',
  'server.stopping': 'info',
  'server.stopped': 'info',
  'worker.ended': 'error',
  'server.overloaded': 'warn',
  'server.recovered': 'info',
  'config.warning': 'warn',
  'config.reloaded': 'info',
  'config.refused': 'error',
  'request.answered': 'debug',
  'request.refused': 'info',
  'client.repeats_challenge': 'warn',
  'request.malformed': 'debug',
  'request.unavailable': 'warn',
  'request.failed': 'error',
  'key.changed': 'info',
  'mail.letter': 'info',
  'mail.failed': 'warn',
  'events.sealed': 'info',
  'vault.failed': 'warn',
  'audit.sink_down': 'error',
  'audit.sink_up': 'info',
  'upkeep.failed': 'error',
  'upkeep.paused': 'warn',
  'store.fenced': 'warn',
  'store.damaged': 'error',
  'store.failed': 'error',
  'process.unhandled_rejection': 'error',
  'process.uncaught_exception': 'error',
} as const satisfies Record<LogEvent, 'debug' | 'info' | 'warn' | 'error'>

/** Errors whose messages are fixed words of ours. */
const ours: ReadonlySet<string> = new Set([
  'StoreUnavailable',
  'StoreContended',
  'AuditSinkDown',
  'SinkFailed',
  'StoreRefused',
  'DamagedRow',
  'PasswordPoolBusy',
  'ProtectionFailed',
])
const mostFrames = 12

export function describeError(error: unknown, depth = 0): LoggedError {
  if (!(error instanceof Error)) return { name: `thrown ${typeof error}`, frames: [] }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return {
    name: error.name,
    ...(code === undefined ? {} : { code }),
    ...(ours.has(error.name) ? { message: error.message } : {}),
    frames: framesOf(error),
    ...(error.cause instanceof Error && depth < 3 ? { cause: describeError(error.cause, depth + 1) } : {}),
  }
}

/** Where it happened. The message, which stands before the frames, may hold lines that look like some. */
function framesOf({ stack = '', message }: Error): readonly string[] {
  const messageAt = stack.indexOf(message)
  const behind = messageAt === -1 ? stack : stack.slice(messageAt + message.length)
  return behind
    .split('\n')
    .filter((line) => frame.test(line))
    .slice(0, mostFrames)
    .map((line) => line.trim())
}

const frame =
  /^ {4}at [^()]{0,120}\((?:<anonymous>|(?:file:\/\/|node:|\/)[^()]{1,300}:\d+:\d+)\)$|^ {4}at (?:async )?(?:file:\/\/|node:|\/)[^()]{1,300}:\d+:\d+$/
