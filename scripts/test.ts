// npm test [-- FILTER…]              types, lint, unused (and format, where CI is set), then every quick test that needs nothing
//                                    but npm
// node scripts/test.ts --suite NAME  one suite of vitest.config.ts alone: fast, chromium, stores, debian, long, timed
// The last line is always `N passed, N failed[, N skipped]`; the exit code is 1 when anything failed.
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { startVitest, type TestModule, type Vitest } from 'vitest/node'

interface Tally {
  passed: number
  failed: number
  /** What failed, each with the first line of its reason: said again at the end, where whoever reads only that finds it. */
  failures: { what: string; why: string }[]
  /** What didn't run, each with its reason. */
  skipped: { what: string; why: string }[]
}

const root = new URL('..', import.meta.url)

const { values, positionals: filters } = parseArgs({ options: { suite: { type: 'string' } }, allowPositionals: true })
const tally: Tally = { passed: 0, failed: 0, failures: [], skipped: [] }

process.chdir(new URL(root).pathname)
const suites = values.suite === undefined ? suitesHere(tally) : [values.suite]
if (values.suite === undefined && filters.length === 0) await runChecks(tally)
await runTests(suites, filters, tally)
report(tally)

function suitesHere(tally: Tally): string[] {
  const elsewhere = {
    'test/**/*.chromium.test.ts': 'needs Chromium: npm run test:chromium',
    'test/**/*.stores.test.ts': 'starts PostgreSQL or DynamoDB Local: npm run test:stores',
    'test/**/*.debian.test.ts': 'needs Debian packages: .ci/run installs them and runs it',
    'test/**/*.long.test.ts': 'takes minutes: .ci/run runs it',
    'test/**/*.timed.test.ts': 'measures, and wants the machine for itself: .ci/run runs it',
  }
  for (const [pattern, why] of Object.entries(elsewhere))
    tally.skipped.push(
      ...globSync(pattern)
        .toSorted()
        .map((what) => ({ what, why })),
    )
  return ['fast']
}

/** The checks that read the whole tree; each counts as one test. */
async function runChecks(tally: Tally): Promise<void> {
  const checks = ['typecheck', 'lint', 'unused']
  // Twenty seconds that an editor spares whoever has one.
  if (process.env['CI'] !== undefined) checks.push('format:check')
  const results = await Promise.all(checks.map(async (check) => ({ check, ...(await runScript(check)) })))
  for (const { check, ok, output } of results) {
    console.log(`${ok ? 'ok' : 'not ok'} npm run ${check}`)
    if (!ok) console.log(output)
    if (ok) tally.passed += 1
    else fail(tally, `npm run ${check}`, 'its output is above')
  }
}

function runScript(name: string): Promise<{ ok: boolean; output: string }> {
  return new Promise((resolve) => {
    const child = spawn('npm', ['run', '--silent', name], { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.on('error', (error) => resolve({ ok: false, output: error.message }))
    child.on('close', (code) => resolve({ ok: code === 0, output }))
  })
}

async function runTests(suites: string[], filters: string[], tally: Tally): Promise<void> {
  const alone = suites.includes('timed') ? { maxWorkers: 1 } : {}
  const vitest = await startVitest('test', filters, { run: true, watch: false, project: suites, ...alone })
  for (const testModule of vitest.state.getTestModules()) count(testModule, tally)
  countUnhandled(vitest, tally)
  await vitest.close()
}

function count(testModule: TestModule, tally: Tally): void {
  const file = testModule.relativeModuleId
  // A file that can't be loaded, or a hook that throws, has no failed test to show for it.
  const broken = [testModule, ...testModule.children.allSuites()].filter((suite) => suite.errors().length > 0)
  for (const suite of broken) fail(tally, file, suite.errors()[0]?.message)
  for (const test of testModule.children.allTests()) {
    const result = test.result()
    if (result.state === 'passed') tally.passed += 1
    else if (result.state === 'failed') fail(tally, `${file} > ${test.fullName}`, result.errors[0]?.message)
    else {
      const note = result.state === 'skipped' ? result.note : undefined
      // What a broken hook kept from running is counted with the hook.
      const meant = note !== undefined || test.options.mode !== 'run'
      if (meant) tally.skipped.push({ what: `${file} > ${test.fullName}`, why: note ?? 'its file says why' })
    }
  }
}

function countUnhandled(vitest: Vitest, tally: Tally): void {
  for (const error of vitest.state.getUnhandledErrors())
    fail(tally, 'outside of any test', error instanceof Error ? error.message : String(error))
}

function fail(tally: Tally, what: string, why = 'no reason was given'): void {
  tally.failed += 1
  tally.failures.push({ what, why: why.replace(/\n[^]*/, '') })
}

function report(tally: Tally): void {
  if (tally.passed === 0 && tally.failed === 0) fail(tally, 'everything', 'no test ran')
  for (const { what, why } of tally.skipped) console.log(`SKIPPED ${what}: ${why}`)
  for (const { what, why } of tally.failures) console.log(`FAILED ${what}: ${why}`)
  const skipped = tally.skipped.length > 0 ? `, ${tally.skipped.length} skipped` : ''
  const line = `${tally.passed} passed, ${tally.failed} failed${skipped}\n`
  process.stdout.write(line, () => process.exit(tally.failed > 0 ? 1 : 0))
}
