import type { Environment } from '../config/read-environment.ts'
import { createSystem, type System } from '../server/system.ts'
import { takeEnvironment } from '../server/environment.ts'

/** All that a command touches of the process it runs in. */
export type Io = {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly stdin: NodeJS.ReadStream
  readonly environment: Environment
  readonly workingDirectory: string
  readonly system: System
}

export function processIo(): Io {
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    stdin: process.stdin,
    environment: takeEnvironment(),
    workingDirectory: process.cwd(),
    system: createSystem(),
  }
}
