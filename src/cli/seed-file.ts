import { readYaml } from '../config/yaml-document.ts'
import type { User } from '../domain/user.ts'
import { readBroughtAccount, type BroughtAccount } from './brought-account.ts'
import { CliFailure } from './failure.ts'

/** The accounts of a seed: `accounts:`, a list, in YAML or JSON. Each has an id of its own choosing. */
export function readSeed(text: string, file: string): readonly BroughtAccount[] {
  const read = readYaml(text)
  if ('problems' in read) {
    const [first = `${file} can't be read`, ...more] = read.problems.map(
      ({ place, problem }) => `${file}:${place}: ${problem}`,
    )
    throw new CliFailure(first, { more })
  }
  const { value, place } = read.document
  const { accounts, ...others } = isMap(value) ? value : {}
  const stray = Object.keys(others)[0]
  if (!Array.isArray(accounts) || stray !== undefined)
    throw new CliFailure(`${file}: a seed holds accounts:, a list, and nothing else`, { exitCode: 2 })
  const seed = accounts.map((entry: unknown, index) => {
    const where = `${file}:${place(['accounts', index])}: the account`
    if (!isMap(entry)) throw new CliFailure(`${where} is no map`, { exitCode: 2 })
    return readBroughtAccount(entry, where)
  })
  for (const name of ['userId', 'username'] as const) {
    const seen = new Set<string>()
    for (const { [name]: one } of seed) {
      if (seen.has(one.toLowerCase())) throw new CliFailure(`${file}: ${one} stands there twice`, { exitCode: 2 })
      seen.add(one.toLowerCase())
    }
  }
  return seed
}

/** A seed that is run again must mean the same accounts: what changed since is changed by its own commands. */
export function refuseAnother({ userId, username, bot }: BroughtAccount, there: User): void {
  if (there.username !== username || there.bot !== bot)
    throw new CliFailure(
      `${userId} is there as ${there.bot ? 'the bot' : 'the person'} ${there.username}, and the seed means ${bot ? 'a bot' : 'a person'} ${username}; rename one of them, or give the other an id of its own`,
    )
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
