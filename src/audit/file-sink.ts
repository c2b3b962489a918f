import { constants } from 'node:fs'
import { open, stat, statfs, type FileHandle } from 'node:fs/promises'
import { SinkFailed, type EventSink } from './sink.ts'

/** A file that grows, synced after every delivery. One that was moved away or deleted is begun anew, so it may be rotated. */
export function createFileSink(path: string): EventSink {
  let handle: FileHandle | undefined
  /** A line that broke off must not swallow the next one. */
  let torn = false
  let working: Promise<void> = Promise.resolve()

  /** One at a time: a device that hangs holds one thread, not all. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    const done = working.then(work)
    working = done.catch(() => undefined)
    return done.catch((error: unknown) => {
      throw error instanceof SinkFailed ? error : new SinkFailed(`the file can't be written (${codeOf(error)})`)
    })
  }

  async function opened(): Promise<FileHandle> {
    if (handle !== undefined && !(await isAt(handle, path))) {
      await handle.close()
      handle = undefined
    }
    const { O_APPEND, O_CREAT, O_WRONLY } = constants
    handle ??= await open(path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    return handle
  }

  return {
    deliver: (lines) =>
      inTurn(async () => {
        const file = await opened()
        const begin = torn ? '\n' : ''
        torn = true
        await file.appendFile(begin + lines)
        await file.datasync()
        torn = false
      }),
    probe: () =>
      inTurn(async () => {
        await opened()
        const { bavail } = await statfs(path)
        if (bavail === 0) throw new SinkFailed('no space is left for the file')
      }),
    close: () =>
      inTurn(async () => {
        await handle?.close()
        handle = undefined
      }),
  }
}

async function isAt(handle: FileHandle, path: string): Promise<boolean> {
  const [ours, there] = await Promise.all([handle.stat(), stat(path).catch(() => undefined)])
  return ours.ino === there?.ino && ours.dev === there.dev
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : 'unknown')
