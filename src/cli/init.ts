import { existsSync, readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, isAbsolute, relative, resolve } from 'node:path'
import type { Command } from 'commander'
import { loadConfig } from '../config/load-config.ts'
import { bringIn } from './bring-in.ts'
import { CliFailure } from './failure.ts'
import { makeFirstAdministrator } from './first-administrator.ts'
import { askInit, initDefaults, type InitAnswers } from './init-questions.ts'
import type { Io } from './io.ts'
import { openLocal } from './local.ts'
import { makeRings } from './open-rings.ts'
import { flagOption, textOption, textSettings, withSettings } from './options.ts'
import type { Answer } from './print.ts'
import { readSeed, refuseAnother } from './seed-file.ts'
import { firstStartText } from './serve-text.ts'
import { verb, type Options } from './verb.ts'

/** Adds `gatehouse init`. */
export function registerInit(program: Command, io: Io): void {
  verb(
    withSettings(
      program
        .command('init')
        .description(
          'write a configuration, make the store and its first administrator; nothing that is there is changed',
        )
        .option('--yes', 'ask nothing: flags, and the defaults for the rest')
        .option('--registration <policy>', `closed, invite or open (default: ${initDefaults.registration})`)
        .option('--smtp <url>', 'mail server that sends letters (default: none)')
        .option('--from <address>', 'address that they come from')
        .option(
          '--seed <file>',
          'make the accounts of this YAML file, with the ids that it gives them; can be run again. It holds accounts:, a list; each has a user_id and a username, and may have what gatehouse user import takes',
        ),
      ['config', 'data', 'store', 'issuer'],
    ),
    io,
    (_args, options) => init(io, options),
  )
}

async function init(io: Io, options: Options): Promise<Answer> {
  const path = resolve(io.workingDirectory, textOption(options, 'config') ?? 'gatehouse.yaml')
  const seedFile = textOption(options, 'seed')
  // Read before anything is made: a slip in it leaves nothing behind.
  const seed = seedFile === undefined ? [] : readSeed(readText(io, seedFile), seedFile)
  const said: string[] = []
  const isNew = !existsSync(path)
  if (isNew) {
    const typed = textOption(options, 'data') ?? io.environment['GATEHOUSE_DATA'] ?? './data'
    const answers = flagOption(options, 'yes')
      ? { ...initDefaults, ...flagsOf(options) }
      : await askInit(io, flagsOf(options), typed)
    await writeConfig(io, path, { answers, data: typed })
    said.push(`wrote ${path}`)
  } else if (seedFile === undefined) {
    throw new CliFailure(`${path} is there already; change it by hand, or name another by --config`)
  }

  const { data, store } = textSettings(options)
  // What was written says it all; a file that was there is read as serve reads it, flags above it.
  const flags = isNew
    ? { config: path }
    : { config: path, ...(data !== undefined && { data }), ...(store !== undefined && { store }) }
  const local = await openLocal(io, flags, { create: true })
  try {
    // Every verb works on what `init` leaves, before any server has.
    await makeRings(local)
    const seeded = await bringIn(local, seed, refuseAnother)
    if (seedFile !== undefined) said.push(`accounts: ${seeded.imported} made, ${seeded.there} were there`)
    const first = await makeFirstAdministrator(local, local.config)
    if (first.is === 'refused') throw new CliFailure(first.problem)
    const told = first.is === 'first' ? firstStartText(local.config, first) : ''
    await local.settle()
    return {
      json: {
        config: path,
        written: isNew,
        accounts: seeded,
        administrator: first.is === 'first' ? 'made' : 'there',
        ...(first.is === 'first' && first.password !== undefined && { password: first.password }),
        ...(first.is === 'first' && first.passwordFile !== undefined && { password_file: first.passwordFile }),
      },
      text: `${[...said, ''].join('\n')}${told}Start it: gatehouse serve --config ${path}\n`,
    }
  } finally {
    await local.close()
  }
}

function flagsOf(options: Options): Partial<InitAnswers> {
  const names = ['issuer', 'store', 'registration', 'smtp', 'from'] as const
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = textOption(options, name)
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

/** Judged as `serve` will judge it, before it is written; complete or not there at all. */
async function writeConfig(
  io: Io,
  path: string,
  { answers, data }: { readonly answers: InitAnswers; readonly data: string },
): Promise<void> {
  const text = configText(answers, (typed) => fromFolder(dirname(path), io.workingDirectory, typed), data)
  const loaded = loadConfig({
    flags: { config: path },
    environment: io.environment,
    workingDirectory: io.workingDirectory,
    readFile: (file) => (file === path ? Buffer.from(text, 'utf8') : undefined),
  })
  if ('problems' in loaded) {
    const [first = 'the answers make no configuration', ...more] = loaded.problems
    throw new CliFailure(first, { more })
  }
  // Never over a file that somebody made meanwhile.
  const file = await open(path, 'wx', 0o644).catch(() => {
    throw new CliFailure(`${path} can't be written; check the directory, or name another file by --config`)
  })
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** JSON strings are YAML strings: nothing that was typed becomes syntax. `written` makes a path that was typed here one for the file. */
function configText(
  { issuer, store, registration, smtp, from }: InitAnswers,
  written: (path: string) => string,
  data: string,
): string {
  const [, file] = /^sqlite:(?!\/\/)(.+)$/.exec(store) ?? []
  const lines = [
    '# Every key: docs/configuration.md. `gatehouse doctor` says what is wrong.',
    `issuer: ${JSON.stringify(issuer)}`,
    // Said always: the key and the SQLite file are found from wherever the server is started.
    `data: ${JSON.stringify(written(data))}`,
    ...(store === '' ? [] : [`store: ${JSON.stringify(file === undefined ? store : `sqlite:${written(file)}`)}`]),
    `users: { registration: ${JSON.stringify(registration)} }`,
    ...(smtp === '' ? [] : [`mail: { smtp: ${JSON.stringify(smtp)}, from: ${JSON.stringify(from)} }`]),
  ]
  return `${lines.join('\n')}\n`
}

/** A path as a file in `folder` names it: relative paths in a file begin there, typed ones where somebody types. */
function fromFolder(folder: string, here: string, path: string): string {
  if (isAbsolute(path)) return path
  const from = relative(folder, resolve(here, path))
  return from.startsWith('../') || from === '..' ? from : `./${from}`
}

function readText(io: Io, file: string): string {
  try {
    return readFileSync(resolve(io.workingDirectory, file), 'utf8')
  } catch {
    throw new CliFailure(`the file ${file} can't be read`)
  }
}
