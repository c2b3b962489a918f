import { spawn, type ChildProcess } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const patienceMillis = 20_000

export type Program = {
  readonly title: string
  /** Answers when the program is ready. */
  readonly url: string
  readonly args: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

/** Programs that live and die together: with a signal to this process, or when one of them ends. */
export function openPrograms() {
  const running: ChildProcess[] = []
  const state = { ending: false }

  const end = (code: number): void => {
    if (state.ending) return
    state.ending = true
    const ended = running.map(
      (child) => new Promise((resolve) => (isOver(child) ? resolve(0) : child.once('exit', resolve))),
    )
    for (const child of running) if (!isOver(child)) child.kill('SIGTERM')
    void Promise.all(ended).then(() => process.exit(code))
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end(0))

  return {
    start: async ({ title, url, args, environment }: Program): Promise<void> => {
      const child = spawn(process.execPath, args, {
        cwd: root,
        stdio: ['ignore', 'inherit', 'inherit'],
        env: { ...process.env, ...environment },
      })
      running.push(child)
      child.once('exit', (code, signal) => {
        if (!state.ending) console.error(`${title} ended by itself (${signal ?? code}): so does everything else`)
        end(1)
      })
      const deadline = Date.now() + patienceMillis
      while (!state.ending && !(await answers(url))) {
        if (Date.now() > deadline) {
          console.error(`${title} doesn't answer at ${url}; is something else on its port?`)
          end(1)
        }
        await pause(50)
      }
      if (state.ending) await new Promise(() => undefined)
    },
  }
}

function isOver(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

async function answers(url: string): Promise<boolean> {
  return fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(1_000) }).then(
    ({ status }) => status < 500,
    () => false,
  )
}
