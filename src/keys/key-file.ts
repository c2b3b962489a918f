import { constants } from 'node:fs'
import { link, open, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { decodeBase64url } from '../crypto/encoding.ts'
import { macKey, type MacKey } from '../crypto/mac.ts'
import type { Random } from '../crypto/random.ts'
import { makeFolder } from '../store/make-folder.ts'
import { ProtectionFailed } from './protection-failed.ts'

const keyBytes = 32
const othersBits = 0o077

/** The key file: 32 random bytes as one line of base64url, mode 0600. Undefined if it isn't there. Throws ProtectionFailed. */
export async function readKeyFile(path: string): Promise<MacKey | undefined> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if (isCode(error, 'ENOENT')) return undefined
    throw new ProtectionFailed(
      `the key file ${path} can't be read (${codeOf(error)}): give its owner the right to read it`,
    )
  })
  if (file === undefined) return undefined
  try {
    const status = await file.stat()
    if (!status.isFile()) throw new ProtectionFailed(`the key file ${path} isn't a file: name another place for it`)
    const { mode } = status
    // Windows has no such bits to check.
    if (process.platform !== 'win32' && (mode & othersBits) !== 0) {
      const shown = (mode & 0o777).toString(8).padStart(4, '0')
      throw new ProtectionFailed(
        `the key file ${path} has mode ${shown}, so others can reach it: run chmod 600 ${path}`,
      )
    }
    const text = (await file.readFile('utf8')).replace(/\r?\n$/, '')
    const bytes = decodeBase64url(text)
    if (bytes?.length !== keyBytes) {
      throw new ProtectionFailed(
        `the key file ${path} isn't one line of ${keyBytes} bytes in base64url: bring it back from a backup; without it no key of this store opens`,
      )
    }
    return macKey(bytes)
  } finally {
    await file.close()
  }
}

/** Create the key file, whole or not at all; when several processes start together they all use the one that came first. */
export async function createKeyFile(path: string, random: Random): Promise<MacKey> {
  const temporary = `${path}.${random.stamp()}`
  const key = random.text(keyBytes)
  try {
    makeFolder(dirname(path))
    await writeWhole(temporary, key)
  } catch (error) {
    throw notCreated(path, error)
  }
  try {
    // A link appears with its content or fails because somebody was first: there is never half a key file.
    await link(temporary, path)
    await syncDirectory(dirname(path))
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw notCreated(path, error)
  } finally {
    await unlink(temporary)
  }
  const made = await readKeyFile(path)
  if (made === undefined) throw new ProtectionFailed(`the key file ${path} vanished while it was made: start again`)
  return made
}

async function writeWhole(path: string, text: string): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL
  const file = await open(path, flags, 0o600)
  try {
    await file.writeFile(`${text}\n`)
    // The store must not hold keys sealed under a file that a power cut takes away.
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

function notCreated(path: string, error: unknown): ProtectionFailed {
  return new ProtectionFailed(
    `the key file ${path} can't be created (${codeOf(error)}): name a folder that can be written to`,
  )
}

function isCode(error: unknown, code: string): boolean {
  return codeOf(error) === code
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
