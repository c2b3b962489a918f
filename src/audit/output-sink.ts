import { write as writeTo } from 'node:fs'
import { promisify } from 'node:util'
import { SinkFailed, type EventSink } from './sink.ts'

const write = promisify(writeTo)
const standardOutput = 1
const pauseMillis = 20

/** POSIX, PIPE_BUF: what is written to a pipe at once and is no longer than this stands there in one piece. */
const pieceBytes = 4096

/**
 * Standard output, where a collector of the platform listens. Written beside the event loop: a full pipe stops nobody else.
 * Workers of one server share it, so whole lines are written at a time.
 */
export function createOutputSink(wait: (millis: number) => Promise<unknown>, descriptor = standardOutput): EventSink {
  let working: Promise<void> = Promise.resolve()

  async function writeAll(lines: string): Promise<void> {
    for (const piece of piecesOf(Buffer.from(lines))) await writePiece(piece)
  }

  async function writePiece(piece: Buffer): Promise<void> {
    let rest = piece
    while (rest.length > 0) {
      try {
        const { bytesWritten } = await write(descriptor, rest)
        rest = rest.subarray(bytesWritten)
      } catch (error) {
        if (codeOf(error) !== 'EAGAIN') throw new SinkFailed(`standard output can't be written (${codeOf(error)})`)
        await wait(pauseMillis)
      }
    }
  }

  return {
    deliver: (lines) => {
      const done = working.then(() => writeAll(lines))
      working = done.catch(() => undefined)
      return done
    },
    // Nothing tells but writing.
    probe: () => working,
    close: () => working,
  }
}

/** As many whole lines as fit into one piece; a longer line is a piece of its own. */
function* piecesOf(lines: Buffer): Generator<Buffer> {
  for (let start = 0; start < lines.length;) {
    const fits = lines.subarray(start, start + pieceBytes).lastIndexOf('\n')
    const end = fits === -1 ? endOfLine(lines, start) : start + fits + 1
    yield lines.subarray(start, end)
    start = end
  }
}

function endOfLine(lines: Buffer, start: number): number {
  const end = lines.indexOf('\n', start)
  return end === -1 ? lines.length : end + 1
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : 'unknown')
