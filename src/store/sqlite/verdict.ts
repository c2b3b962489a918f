/**
 * What an error of SQLite means to us. `busy`: try again. `nothing`: the transaction didn't happen and later ones may.
 * `fatal`: what is on disk can no longer be told from here, so this process must not write any more.
 */
export type Verdict = 'busy' | 'full' | 'duplicate' | 'corrupt' | 'nothing' | 'fatal'

const busy = 5
const locked = 6
/** Files that could not be opened for writing are opened for reading without a word, and stay so until the process starts anew. */
const readOnly = 8
const full = 13
const corrupt = 11
const constraint = 19
const notADatabase = 26
const ioError = 10
/** The shared-memory file couldn't grow: the disk is full. */
const ioShmSize = 4874
/** A failed fsync may have dropped dirty pages for good; asking again reports success (FLT-05). */
const ioFsync = 1034
const ioDirFsync = 1290
/** Failed before anything was made durable, and without touching what is. */
const ioHarmless: readonly number[] = [266, 522, 778, 3082, 3850, ioShmSize]

export function verdictOf(error: unknown, during: 'unit' | 'commit'): Verdict {
  const code = errorCodeOf(error)
  if (code === undefined) return during === 'commit' ? 'fatal' : 'nothing'
  if (code === ioFsync || code === ioDirFsync) return 'fatal'
  if ((code & 0xff) === readOnly) return 'fatal'
  if (code === ioShmSize) return 'full'
  switch (code & 0xff) {
    case busy:
    case locked:
      return 'busy'
    case full:
      return 'full'
    case corrupt:
    case notADatabase:
      return 'corrupt'
    case constraint:
      return 'duplicate'
    case ioError:
      return ioHarmless.includes(code) || during === 'unit' ? 'nothing' : 'fatal'
    default:
      return during === 'commit' ? 'fatal' : 'nothing'
  }
}

/** SQLite's extended result code, if the error is SQLite's. */
export function errorCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined
  return typeof error.errcode === 'number' ? error.errcode : undefined
}
