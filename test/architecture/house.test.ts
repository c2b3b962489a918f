import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ambient } from './rules/ambient.ts'
import { libraries, staleHomes, unexplained, unusedDependencies } from './rules/libraries.ts'
import { oneWay } from './rules/one-way.ts'
import { outward } from './rules/outward.ts'
import { entriesOf, unreachable } from './rules/reachable.ts'
import { comparisons, secrets } from './rules/secrets.ts'
import { medianLines, mostLines, names, silenced, tooLong } from './rules/style.ts'
import { madeUp, readSources, root } from './source.ts'

const src = readSources()
const everything = [...src, ...readSources('{test,bench,scripts,examples}/**/*.ts')]
const pkg = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, string | { default: string }>
  scripts: Record<string, string>
  dependencies: Record<string, string>
  devDependencies: Record<string, string>
}
const dependencies = Object.keys(pkg.dependencies)

describe('the one-way rule', () => {
  test('holds', () => expect(oneWay(src)).toEqual([]))

  test.each([
    ['an import to the right', 'src/domain/a.ts', '../server/b.ts'],
    ['an import within a row', 'src/crypto/a.ts', '../domain/b.ts'],
    ['a type import to the right', 'src/store/a.ts', "../keys/b.ts'\nimport type { C } from '../keys/c.ts"],
    ['resource reaching further', 'src/resource/a.ts', '../store/b.ts'],
    ['somebody importing resource', 'src/cli/a.ts', '../resource/b.ts'],
    ['one adapter importing another', 'src/store/sqlite/a.ts', '../memory/b.ts'],
    ['a folder without a place', 'src/shed/a.ts', './b.ts'],
    ['an import out of src', 'src/cli/a.ts', '../../test/b.ts'],
    ['the package entry embedding the command line', 'src/index.ts', './cli/b.ts'],
  ])('catches %s', (_, path, specifier) => {
    expect(oneWay(madeUp({ [path]: `import { b } from '${specifier}'` }))).not.toEqual([])
  })

  test('catches a re-export, a lazy import, an inline type and a worker to the right', () => {
    const lines = [
      "export { b } from '../server/b.ts'",
      "await import('../server/b.ts')",
      "let b: import('../server/b.ts').B",
      "new Worker(new URL('../server/b.ts', import.meta.url))",
    ]
    for (const line of lines) expect(oneWay(madeUp({ 'src/keys/a.ts': line })), line).toHaveLength(1)
  })
})

describe('one importer per library', () => {
  test('holds', () => expect(libraries(src)).toEqual([]))
  test('every home is of a dependency, and shared only for a reason', () =>
    expect(staleHomes(dependencies)).toEqual([]))
  test('every dependency is imported', () => expect(unusedDependencies(src, dependencies)).toEqual([]))
  test('docs/dependencies.md has one line for each', () => {
    const page = readFileSync(join(root, 'docs/dependencies.md'), 'utf8')
    expect(unexplained([...dependencies, ...Object.keys(pkg.devDependencies)], page)).toEqual([])
  })

  test.each([
    ['src/protocol/a.ts', 'node:path'],
    ['src/domain/a.ts', 'zod'],
    ['src/endpoints/a.ts', 'fastify'],
    ['src/keys/a.ts', 'node:crypto'],
    ['src/keys/a.ts', 'crypto'],
    ['src/store/transition.ts', 'node:sqlite'],
    ['src/tokens/a.ts', 'jose/jwt/sign'],
    ['src/grants/a.ts', 'zod'],
    ['src/cli/a.ts', 'node:child_process'],
    ['src/cli/a.ts', 'left-pad'],
    ['src/upstream/a.ts', 'node:https'],
    ['src/server/a.ts', 'node:http'],
  ])('catches %s importing %s', (path, specifier) => {
    expect(libraries(madeUp({ [path]: `import { x } from '${specifier}'` }))).toHaveLength(1)
  })

  test('lets the server see the types of an HTTP request, and no more', () => {
    expect(libraries(madeUp({ 'src/server/a.ts': "import type { A } from 'node:http'" }))).toEqual([])
    expect(libraries(madeUp({ 'src/server/a.ts': "import { a } from 'node:http'" }))).toHaveLength(1)
  })

  test('catches a home without a dependency, an unused dependency and an unexplained one', () => {
    expect(staleHomes([])).toContain("jose has a home but isn't a dependency")
    expect(unusedDependencies(madeUp({ 'src/a.ts': "import 'a/b'\nimport '@c/d/e'" }), ['a', '@c/d', 'f'])).toEqual([
      'f',
    ])
    expect(unexplained(['a', 'b'], '| `a` | why |\n| `c` | why |')).toEqual(['b has no line', "c isn't installed"])
  })
})

describe('no unreachable file', () => {
  test('holds', () => expect(unreachable(src, entriesOf(pkg.exports))).toEqual([]))

  test('catches an orphan and an import that leads nowhere; follows types and workers', () => {
    const sources = madeUp({
      'src/cli/main.ts': "import type { A } from './a.ts'\nnew URL('./worker.ts', import.meta.url)\nimport './gone.ts'",
      'src/cli/a.ts': 'export type A = 1',
      'src/cli/worker.ts': '',
      'src/cli/orphan.ts': '',
    })
    expect(unreachable(sources, ['src/cli/main.ts'])).toEqual([
      "src/cli/main.ts leads to src/cli/gone.ts, which doesn't exist",
      'src/cli/orphan.ts is reached from no entry',
    ])
  })

  test('entries are what the package exports, and the command line', () => {
    expect(entriesOf({ '.': { default: './dist/index.js' }, './package.json': './package.json' })).toEqual([
      'src/index.ts',
      'src/cli/main.ts',
      'src/cli/cli-page.ts',
      'src/config/configuration-page.ts',
      'src/config/published-schema.ts',
    ])
  })
})

describe('clock, chance and environment have one home', () => {
  test('holds', () => expect(ambient(src)).toEqual([]))

  test.each([
    'const t = Date.now()',
    'const now = Date.now',
    "const t = Date['now']()",
    'const t = globalThis.Date.now()',
    'const { now } = Date',
    'const t = new Date()',
    'const t = Date()',
    'const r = Math.random()',
    "const a = await fetch('https://a.example')",
    "const a = globalThis.fetch('https://a.example')",
    'const ask = fetch',
    "const a = new WebSocket('wss://a.example')",
    'const r = crypto.getRandomValues(new Uint8Array(9))',
    'const r = globalThis.crypto.randomUUID()',
    'const e = process.env',
    "const e = process['env']['PATH']",
    'const { env } = process',
    "import { env } from 'node:process'",
  ])('catches %s', (line) => expect(ambient(madeUp({ 'src/grants/a.ts': line }))).toHaveLength(1))

  test('lets each be used at home, and an instant be printed anywhere', () => {
    expect(ambient(madeUp({ 'src/server/system.ts': 'Date.now()' }))).toEqual([])
    expect(ambient(madeUp({ 'src/server/environment.ts': 'process.env' }))).toEqual([])
    expect(ambient(madeUp({ 'src/upstream/a.ts': 'await context.outbound.fetch({ url })' }))).toEqual([])
    expect(ambient(madeUp({ 'src/api/a.ts': 'new Date(5).toISOString()' }))).toEqual([])
  })
})

describe('L8: nobody reaches out but src/outbound', () => {
  test('holds', () => expect(outward(src)).toEqual([]))

  test.each([
    "import { connect } from 'node:net'",
    "import { isIP, createConnection as open } from 'node:net'",
    "import { Socket } from 'node:net'",
    "import { Server } from 'node:net'",
    "import net from 'node:net'",
    "import * as tls from 'node:tls'",
    "import { connect } from 'node:tls'",
    "import { checkServerIdentity } from 'node:tls'",
    "const { connect } = await import('node:net')",
    "const { ...all } = await import('node:net')",
    "const net = await import('node:net')",
    "export { connect } from 'node:tls'",
    "export * from 'node:net'",
    "const { request } = process.getBuiltinModule('node:http')",
    "const net = globalThis.process.getBuiltinModule('node:net')",
    "import { createRequire } from 'node:module'",
    "import { createRemoteJWKSet } from 'jose'",
    "import * as jose from 'jose'",
    "import { Pushgateway } from 'prom-client'",
    'await oauth.userInfoRequest(server, client, token)',
    'await oauth.discoveryRequest(issuer, { algorithm })',
    'await oauth.validateApplicationLevelSignature(server, response)',
  ])('catches %s', (line) => expect(outward(madeUp({ 'src/upstream/a.ts': line }))).toHaveLength(1))

  test('lets pass what computes, listens or is a type, and what is sent through the guard', () => {
    const lines = {
      'src/config/a.ts': "import { BlockList, isIP, isIPv4, type Socket } from 'node:net'",
      'src/server/a.ts': "import type { Socket } from 'node:net'\nexport type { Server } from 'node:net'",
      'src/server/http.ts': "import { Server as ListeningServer } from 'node:net'",
      'src/upstream/a.ts': 'await oauth.userInfoRequest(server, client, token, through(context, provider, what))',
      'src/upstream/b.ts': 'await oauth.discoveryRequest(issuer, { [oauth.customFetch]: guarded })',
    }
    expect(outward(madeUp(lines))).toEqual([])
  })
})

describe('K14: secrets are compared in constant time', () => {
  test('holds', () => expect(secrets(src)).toEqual([]))
  test('by those who use the comparison of the runtime, and no others do', () => {
    const users = src.filter(({ text }) => /\btimingSafeEqual\(/.test(text)).map(({ path }) => path)
    expect(users.toSorted()).toEqual(comparisons.toSorted())
  })

  test.each([
    'left.hash === right.hash',
    'if (mac(key, text) !== claimed) f()',
    'const same = secret == typed',
    "given['client_secret'] === clientSecret",
    'stored?.handleHash !== (await handleHash(given))',
    'expected.equals(signature)',
    'hashes.includes(codeHash)',
  ])('catches %s', (line) => expect(secrets(madeUp({ 'src/grants/a.ts': line }), {})).toHaveLength(1))

  test.each(['secret === undefined', "typeof hash === 'string'", 'nonce.length !== 22', "scopes.includes('a')"])(
    'lets pass %s',
    (line) => expect(secrets(madeUp({ 'src/grants/a.ts': line }), {})).toEqual([]),
  )

  test('catches an exception that is no longer needed', () => {
    expect(secrets(madeUp({ 'src/a.ts': '' }), { 'src/a.ts': 'had one' })).toHaveLength(1)
  })
})

describe('CI', () => {
  const suites = ['chromium', 'stores', 'debian', 'long', 'timed']
  test('runs every suite that has tests, and no other', () => {
    const script = readFileSync(join(root, '.ci/run'), 'utf8')
    const written = suites.filter((suite) => everything.some((source) => source.path.endsWith(`.${suite}.test.ts`)))
    expect(suites.filter((suite) => script.includes(`test:${suite}`))).toEqual(written)
    expect(suites.filter((suite) => `test:${suite}` in pkg.scripts)).toEqual(written)
  })
})

describe('how files look', () => {
  test('every folder of src begins with a README of one paragraph', () => {
    const folders = [...new Set(src.map((source) => dirname(source.path)))].filter((folder) => folder !== 'src')
    expect(folders.flatMap((folder) => readmeFault(folder) ?? [])).toEqual([])
  })

  test('names say something', () => expect(names([...src, ...readSources('{test,bench,scripts}/**/*.ts')])).toEqual([]))
  test.each([
    ['src/keys/key-manager.ts', ''],
    ['src/utils/a.ts', ''],
    ['src/keys/KeyRing.ts', ''],
    ['src/keys/a.ts', 'export interface TokenInfo {}'],
    ['src/keys/a.ts', 'type BaseGrant = 1'],
    ['src/keys/a.ts', 'class Handlers {}'],
  ])('catches %s %s', (path, text) => expect(names(madeUp({ [path]: text }))).toHaveLength(1))
  test('lets the RFCs name things', () => {
    expect(names(madeUp({ 'src/endpoints/userinfo.ts': 'type ServerMetadata = Base64Url' }))).toEqual([])
  })

  test(`no file of src is longer than ${mostLines} lines without a reason`, () => expect(tooLong(src)).toEqual([]))
  test('catches a long file and a reason that is no longer needed', () => {
    const sources = madeUp({ 'src/a.ts': '\n'.repeat(mostLines) + '1', 'src/b.ts': '' })
    expect(tooLong(sources, { 'src/b.ts': 'was long' })).toHaveLength(2)
  })
  test('half of the files are short', () => expect(medianLines(src)).toBeLessThanOrEqual(150))

  test('nothing silences the compiler or the linter', () => expect(silenced(everything)).toEqual([]))
  test.each([
    ['src/a.ts', 'let a: any'],
    ['src/a.ts', 'f(a as any)'],
    ['src/a.ts', `// @ts-ignore\nf()`],
    ['src/a.ts', `// @ts-expect-error: a redirect target can't be made here\nf()`],
    ['test/a.test.ts', `// @ts-expect-error\nf()`],
    ['src/a.ts', `// oxlint-disable no-eval\nf()`],
    ['src/a.ts', `/* TODO: later */`],
  ])('catches %s %s', (path, text) => expect(silenced(madeUp({ [path]: text }))).toHaveLength(1))
  test('lets a test show what must not compile', () => {
    const text = `// @ts-expect-error: a redirect target can't be made here\nf()`
    expect(silenced(madeUp({ 'test/a.test.ts': text }))).toEqual([])
  })
})

function readmeFault(folder: string): string | undefined {
  const path = join(root, folder, 'README.md')
  if (!existsSync(path)) return `${folder} has no README.md`
  const paragraphs = readFileSync(path, 'utf8')
    .trim()
    .split(/\n\s*\n/)
    .filter((paragraph) => !paragraph.startsWith('#'))
  return paragraphs.length === 1 ? undefined : `${folder}/README.md has ${paragraphs.length} paragraphs`
}
