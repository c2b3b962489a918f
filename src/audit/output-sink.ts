import { write as writeTo } from 'node:fs'
import { promisify } from 'node:util'
import { SinkFailed, type EventSink } from './sink.ts'

const write = promisify(writeTo)
const standardOutput = 1
const pauseMillis = 20

/** Standard output, where a collector of the platform listens. Written beside the event loop: a full pipe stops nobody else. */
export function createOutputSink(wait: (millis: number) => Promise<unknown>, descriptor = standardOutput): EventSink {
  let working: Promise<void> = Promise.resolve()

  async function writeAll(lines: string): Promise<void> {
    let rest = Buffer.from(lines)
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

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : 'unknown')
