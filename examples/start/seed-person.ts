import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { kept } from './make-secrets.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export type Person = { readonly username: string; readonly password: string }

/** Somebody to sign in as, made at the first start with the command line, as an operator would. */
export async function seedPerson(home: string): Promise<Person> {
  const username = 'maria'
  const file = join(home, 'data', `${username}.password`)
  const isFirst = !existsSync(file)
  const password = kept(file, 12)
  if (isFirst || (await gatehouse(home, ['user', 'show', username])) !== 0) {
    const names = ['--full-name', 'Maria Lind', '--email', 'maria@example.org']
    const code = await gatehouse(home, ['user', 'create', username, ...names, '--password-stdin'], password)
    if (code !== 0) throw new Error('the account for the examples could not be made; its message is above')
  }
  return { username, password }
}

function gatehouse(home: string, args: readonly string[], input?: string): Promise<number> {
  const command = ['bin/gatehouse', ...args, '--config', join(home, 'gatehouse.yaml')]
  return new Promise((resolve, reject) => {
    // That there is no such account yet is no news; why it can't be made is.
    const complaints = input === undefined ? 'ignore' : 'inherit'
    const child = spawn(process.execPath, command, { cwd: root, stdio: ['pipe', 'ignore', complaints] })
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 1))
    child.stdin.end(input)
  })
}
