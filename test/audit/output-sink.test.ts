import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const writer = fileURLToPath(new URL('output-writer.ts', import.meta.url))
const names = ['first', 'second'] as const
const [deliveries, lines] = [60, 60]

test('M09: processes that share a standard output tear no line of one another, though its reader is slow', async () => {
  const one = (name: string): string => `"${process.execPath}" "${writer}" ${name} ${deliveries} ${lines}`
  // What Node calls a pipe is a socket: the real one is the shell's.
  const script = `{ ${names.map(one).join(' & ')} & wait; } | { sleep 0.4; dd bs=333 status=none; }`
  const shell = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => shell.once('exit', resolve))
  let text = ''
  for await (const piece of shell.stdout) text += String(piece)
  await ended
  const told = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly name: string; readonly delivery: number; readonly line: number })
  for (const name of names) {
    const own = told.filter((line) => line.name === name).map(({ delivery, line }) => delivery * lines + line)
    expect(own).toEqual(Array.from({ length: deliveries * lines }, (_, index) => index))
  }
})
