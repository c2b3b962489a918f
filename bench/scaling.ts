import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { publishSweep } from './stores/publish.ts'

type Step = { readonly name: string; readonly command: string; readonly env?: Readonly<Record<string, string>> }

/**
 * `npm run bench -- scaling`: every figure of docs/scaling.md that is measured, in under twenty-five minutes on two idle cores.
 * STORES.md and RESULTS.md are written by the benches themselves, and what the sweep said is put under the former. `quick` shows
 * that everything runs, and writes neither. A step that fails keeps none of the others; returns whether all went well.
 */
export async function benchScaling({ quick }: { readonly quick: boolean }): Promise<boolean> {
  const [seconds, rounds] = quick ? ['--quick sqlite', '--quick'] : ['--seconds 3', '--rounds 3 --seconds 5']
  const steps: readonly Step[] = [
    { name: 'stores', command: `bench/main.ts stores ${seconds}` },
    { name: 'workers', command: `bench/main.ts workers refresh refresh-raw ${rounds}` },
    {
      name: 'sweep',
      command: 'node_modules/vitest/vitest.mjs run --project timed test/faults/sweep.timed.test.ts',
      env: { GATEHOUSE_EXPIRED: quick ? '20000' : '1000000' },
    },
  ]
  const outcomes: string[] = []
  let whole = true
  for (const { name, command, env } of steps) {
    const began = performance.now()
    const { code, said } = await run(command, env)
    whole &&= code === 0
    const minutes = ((performance.now() - began) / 60_000).toFixed(1)
    outcomes.push(`${name.padEnd(10)} ${code === 0 ? 'done' : 'FAILED'} in ${minutes} min`)
    const swept = /^.*\d+ swept in .*$/m.exec(said)?.[0]
    if (name === 'sweep' && swept !== undefined && !quick) await publishSweep(swept)
  }
  console.log(`\n${outcomes.join('\n')}`)
  return whole
}

/** In the repository, shown as it goes. */
function run(
  command: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number; readonly said: string }> {
  const child = spawn(process.execPath, command.split(' '), {
    cwd: join(import.meta.dirname, '..'),
    env: { ...process.env, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', (chunk) => {
    said += String(chunk)
    process.stdout.write(String(chunk))
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code: code ?? 1, said }))
  })
}
