import { constants } from 'node:fs'
import { open, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { PasswordsContext } from '../accounts/context.ts'
import { firstStart, type FirstStart } from '../accounts/first-start.ts'
import type { Config } from '../config/config.ts'
import { isLoopbackHost } from '../protocol/loopback.ts'
import { makeFolder } from '../store/make-folder.ts'

export type FirstAdministrator = FirstStart & { readonly passwordFile?: string }

/**
 * The first start, and where its password is kept: told at the terminal of a loopback issuer, else in a file
 * that its owner alone can read. The file is complete before the account exists, so a crash never leaves one without the other.
 */
export async function makeFirstAdministrator(context: PasswordsContext, config: Config): Promise<FirstAdministrator> {
  const adminPassword = config.adminPassword?.reveal()
  if (isLoopbackHost(new URL(config.issuer).hostname)) return firstStart(context, { adminPassword })

  const passwordFile = join(config.dataDirectory, 'admin-password')
  const temporary = `${passwordFile}.${context.random.stamp()}`
  let written = false
  const first = await firstStart(context, {
    adminPassword,
    keep: async (password) => {
      makeFolder(config.dataDirectory)
      await writeForOwner(temporary, `${password}\n`)
      written = true
    },
  })
  if (!written) return first
  if (first.is !== 'first') {
    await unlink(temporary)
    return first
  }
  await rename(temporary, passwordFile)
  // The password itself goes no further: whoever has this value prints it.
  return { is: 'first', passwordFile }
}

async function writeForOwner(path: string, text: string): Promise<void> {
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}
