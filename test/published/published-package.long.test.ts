import { execFile, spawn } from 'node:child_process'
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../kit/free-port.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))

/** What programs import. A name that is gone breaks them, so they are written down here. */
const exported = ['gatehouse', 'gatehouse/macaroon', 'gatehouse/resource', 'gatehouse/store']

describe('the published package', () => {
  const project = mkdtempSync(join(tmpdir(), 'gatehouse-published-'))
  const clone = mkdtempSync(join(tmpdir(), 'gatehouse-clone-'))

  beforeAll(async () => {
    // A clone in which somebody added a language, which is one file.
    const left = /^(?:\.git|node_modules|dist|coverage|data)(?:\/|$)/
    cpSync(root, clone, { recursive: true, filter: (path) => !left.test(relative(root, path)) })
    symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'))
    const english = readFileSync(join(clone, 'src/i18n/messages/en.ts'), 'utf8')
    const esperanto = english.replace('const en =', 'const eo =').replace(/('signIn.title': )'[^']+'/, "$1'Ensaluti'")
    writeFileSync(join(clone, 'src/i18n/messages/eo.ts'), esperanto)
    const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', project], { cwd: clone })
    const tarball = stdout.trim().split('\n').at(-1) ?? ''
    writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
    await run('npm', ['install', '--no-audit', '--no-fund', `./${tarball}`], { cwd: project })
  }, 300_000)

  afterAll(() => {
    for (const folder of [project, clone]) rmSync(folder, { recursive: true, force: true })
  })

  test('brings no TypeScript to run, no test and no Node of its own', () => {
    const own = globSync('node_modules/gatehouse/**/*', { cwd: project })
    expect(own.filter((path) => /(?<!\.d)\.ts$/.test(path))).toEqual([])
    expect(own.filter((path) => path.startsWith('node_modules/gatehouse/test'))).toEqual([])
    expect(globSync('node_modules/{node-linux-*,.bin/node}', { cwd: project })).toEqual([])
  })

  test('runs its command', async () => {
    const { stdout } = await run(join(project, 'node_modules/.bin/gatehouse'), ['--help'], { cwd: project })
    expect(stdout).toContain('serve')
  })

  test('serves, also in a language that was added', async () => {
    const port = await freePort()
    const issuer = `http://localhost:${port}`
    const args = ['serve', '--port', String(port), '--issuer', issuer]
    const server = spawn(join(project, 'node_modules/.bin/gatehouse'), args, { cwd: project })
    let said = ''
    server.stderr.on('data', (piece) => (said += String(piece)))
    const ready = new Promise<boolean>((resolve) => {
      server.stdout.on('data', (piece) => {
        said += String(piece)
        if (said.includes(`answers at ${issuer}`)) resolve(true)
      })
      server.once('exit', () => resolve(false))
    })
    const served = await ready
    const page = served ? await fetch(`${issuer}/signin`, { headers: { 'accept-language': 'eo' } }) : undefined
    const text = await page?.text()
    server.kill('SIGTERM')
    expect(served, said).toBe(true)
    expect(text).toMatch(/<html lang="eo">[^]*<h1>Ensaluti</)
  }, 60_000)

  test.each(exported)('lets a program import %s', async (name) => {
    const program = `const all = await import('${name}'); if (Object.keys(all).length === 0) throw new Error('empty')`
    await run(process.execPath, ['--input-type=module', '--eval', program], { cwd: project })
  })

  test('refuses an old Node in one line that says what to do', async () => {
    const launcher = join(project, 'node_modules/gatehouse/bin/gatehouse')
    const old = "Object.defineProperty(process.versions, 'node', { value: '20.1.0' })"
    const options = { cwd: project, env: { PATH: '/nowhere' } }
    const attempt = run(process.execPath, ['--import', `data:text/javascript,${old}`, launcher, 'serve'], options)
    await expect(attempt).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^gatehouse: needs Node 24.*\n$/),
    })
  })
})
