import { defineConfig } from 'vitest/config'

// What a test needs decides its suite, and stands in its path, so that nothing is left out by forgetting.
const suites = {
  chromium: { include: ['test/**/*.chromium.test.ts'], timeoutMs: 60_000 },
  stores: { include: ['test/**/*.stores.test.ts'], timeoutMs: 60_000 },
  debian: { include: ['test/**/*.debian.test.ts'], timeoutMs: 60_000 },
  long: { include: ['test/**/*.long.test.ts'], timeoutMs: 30 * 60_000 },
  // What it measures another file beside it would spoil: one at a time.
  timed: { include: ['test/**/*.timed.test.ts'], timeoutMs: 30 * 60_000 },
}

// Hundreds of threads and processes run the source itself; with what one of them compiled, the others save a third of their time.
process.env['NODE_COMPILE_CACHE'] ??= new URL('node_modules/.cache/gatehouse', import.meta.url).pathname

const elsewhere = Object.values(suites).flatMap((suite) => suite.include)
const fast = { include: ['test/**/*.test.ts'], exclude: elsewhere, timeoutMs: 60_000 }

export default defineConfig({
  test: {
    // Every file in one of two processes: 600 tests in 1.4 s against 19 s. The price: a test leaves nothing behind.
    isolate: false,
    pool: 'forks',
    maxWorkers: 2,
    allowOnly: false,
    // What a test waits for comes later on a busy machine; one second, the default, is a guess about the machine.
    expect: { poll: { timeout: 20_000 } },
    projects: Object.entries({ fast, ...suites }).map(([name, suite]) => ({
      extends: true,
      test: {
        name,
        include: suite.include,
        exclude: 'exclude' in suite ? suite.exclude : [],
        testTimeout: suite.timeoutMs,
        hookTimeout: Math.max(suite.timeoutMs, 60_000),
      },
    })),
  },
})
