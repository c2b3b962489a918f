import { CliFailure } from './failure.ts'
import type { Io } from './io.ts'

const longestInput = 16_384

/** The whole of standard input, without the line end that `echo` adds. */
export async function readStandardInput(io: Io): Promise<string> {
  let text = ''
  io.stdin.setEncoding('utf8')
  for await (const piece of io.stdin) {
    text += String(piece)
    if (text.length > longestInput) throw new CliFailure('standard input is too long to be what was asked for')
  }
  return text.replace(/\r?\n$/, '')
}

/** Asks at the terminal without showing what is typed, twice, so that a slip shows. */
export async function askNewPassword(io: Io): Promise<string> {
  if (!io.stdin.isTTY)
    throw new CliFailure('there is no terminal to ask for a password; give it by --password-stdin', { exitCode: 2 })
  const password = await askHidden(io, 'New password: ')
  if ((await askHidden(io, 'Once more: ')) !== password)
    throw new CliFailure('the two were not the same; nothing was changed')
  return password
}

const keys = { enter: ['\r', '\n'], end: '\u0004', interrupt: '\u0003', back: ['\u007f', '\b'] } as const

function askHidden(io: Io, question: string): Promise<string> {
  const { stdin } = io
  io.err(question)
  stdin.setEncoding('utf8')
  stdin.setRawMode(true)
  stdin.resume()
  return new Promise((resolve, reject) => {
    let typed: string[] = []
    const end = (): void => {
      stdin.off('data', onData)
      stdin.setRawMode(false)
      stdin.pause()
      io.err('\n')
    }
    const onData = (piece: unknown): void => {
      for (const key of String(piece)) {
        if (key === keys.interrupt || key === keys.end) {
          end()
          return reject(new CliFailure('interrupted; nothing was changed'))
        }
        if ((keys.enter as readonly string[]).includes(key)) {
          end()
          return resolve(typed.join(''))
        }
        if ((keys.back as readonly string[]).includes(key)) typed = typed.slice(0, -1)
        else typed.push(key)
      }
    }
    stdin.on('data', onData)
  })
}
