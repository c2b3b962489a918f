import { parseJsonObject } from '../crypto/strict-json.ts'
import { bringIn } from './bring-in.ts'
import { readBroughtAccount } from './brought-account.ts'
import { CliFailure } from './failure.ts'
import type { Local } from './local.ts'

/** Accounts of another server, one JSON object a line. */
export async function importUsers(
  local: Local,
  text: string,
): Promise<{ readonly imported: number; readonly there: number }> {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const accounts = lines.map((line, index) => {
    const where = `line ${index + 1}`
    const fields = parseJsonObject(Buffer.from(line, 'utf8'))
    if (fields === undefined) throw new CliFailure(`${where} is not a JSON object`, { exitCode: 2 })
    return readBroughtAccount(fields, where)
  })
  return bringIn(local, accounts)
}
