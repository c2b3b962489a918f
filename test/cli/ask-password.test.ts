import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { askNewPassword } from '../../src/cli/ask-password.ts'
import { ioAt } from './bench.ts'

/** Types at a terminal that isn't one; what is shown, and whether keys were echoed, is kept. */
async function type(
  ...keys: readonly string[]
): Promise<{ readonly answer: string; readonly shown: string; readonly modes: readonly boolean[] }> {
  const modes: boolean[] = []
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (raw: boolean) => void modes.push(raw) })
  const told = { out: '', err: '' }
  const asking = askNewPassword({ ...ioAt('/', {}, told), stdin: stdin as unknown as NodeJS.ReadStream }).catch(
    (error: unknown) => (error instanceof Error ? error.message : ''),
  )
  for (const key of keys) {
    stdin.write(key)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { answer: await asking, shown: told.out + told.err, modes }
}

test('asks twice, echoes nothing, and leaves the terminal as it was', async () => {
  expect(await type('hunter2x', '\u007f', '\r', 'hunt', 'er2', '\n')).toEqual({
    answer: 'hunter2',
    shown: 'New password: \nOnce more: \n',
    modes: [true, false, true, false],
  })
})

test('two that differ change nothing', async () => {
  expect((await type('one\r', 'two\r')).answer).toBe('the two were not the same; nothing was changed')
})

test.each(['\u0003', '\u0004'])('interrupted: nothing is changed, and the terminal is as it was', async (key) => {
  expect(await type(`half${key}`)).toMatchObject({ answer: 'interrupted; nothing was changed', modes: [true, false] })
})
