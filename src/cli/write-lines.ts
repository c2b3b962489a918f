import { open, rename, unlink } from 'node:fs/promises'
import { CliFailure } from './failure.ts'

/** Under another name until it is whole and on the disk. */
export async function writeLines<T>(file: string, lines: AsyncGenerator<string, T>): Promise<T> {
  const part = `${file}.part`
  const handle = await open(part, 'w', 0o600).catch((error: unknown) => {
    throw new CliFailure(`${part} can't be written (${codeOf(error)}); check the folder`)
  })
  try {
    let next = await lines.next()
    for (; next.done !== true; next = await lines.next()) await handle.write(`${next.value}\n`)
    await handle.sync()
    await rename(part, file)
    return next.value
  } catch (error) {
    await unlink(part)
    throw error
  } finally {
    await handle.close()
  }
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : 'unknown')
