import { createUser } from '../accounts/create-user.ts'
import { findUser } from '../accounts/find-user.ts'
import type { User } from '../domain/user.ts'
import { parseJsonObject } from '../crypto/strict-json.ts'
import { CliFailure } from './failure.ts'
import type { Local } from './local.ts'
import { readRole } from './user-document.ts'

/** One line of the file: what an account brings along from another server. */
type Brought = {
  readonly userId: string
  readonly username: string
  readonly role: User['role']
  readonly bot: boolean
  /** User id. */
  readonly wrangler?: string
  readonly epoch: number
  readonly locked: boolean
}

/**
 * Accounts with the ids and epochs that they had elsewhere, one JSON object a line. Bots come last, since each needs its
 * wrangler. Those that are there already are left alone, so a file that stopped half-way is simply given again.
 */
export async function importUsers(
  local: Local,
  text: string,
): Promise<{ readonly imported: number; readonly there: number }> {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const accounts = lines.map(readLine)
  let imported = 0
  for (const account of [...accounts.filter(({ bot }) => !bot), ...accounts.filter(({ bot }) => bot)]) {
    const { userId, epoch, locked, ...rest } = account
    if ((await findUser(local, userId)) !== undefined) continue
    const made = await createUser(local, { kind: 'cli' }, { ...rest, brought: { userId, epoch, locked } })
    if ('refused' in made) {
      const { title, detail = title } = made.refused
      throw new CliFailure(`${account.username} can't be imported: ${detail}; ${imported} accounts were, before it`)
    }
    imported += 1
  }
  return { imported, there: accounts.length - imported }
}

function readLine(line: string, index: number): Brought {
  const fields = parseJsonObject(Buffer.from(line, 'utf8'))
  const wrong = (problem: string) => new CliFailure(`line ${index + 1} ${problem}`, { exitCode: 2 })
  if (fields === undefined) throw wrong('is not a JSON object')
  const { user_id: userId, username, role, bot, wrangler, epoch = 1, locked } = fields
  if (typeof userId !== 'string' || typeof username !== 'string') throw wrong('lacks user_id or username')
  if (typeof epoch !== 'number') throw wrong('has an epoch that is not a number of milliseconds')
  return {
    userId,
    username,
    role: readRole(typeof role === 'string' ? role : undefined) ?? 'editor',
    bot: bot === true,
    ...(typeof wrangler === 'string' && { wrangler }),
    epoch,
    locked: locked === true,
  }
}
