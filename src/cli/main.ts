import { keepCompiledCode } from './compiled-code.ts'
import { holdHeap } from './heap-growth.ts'
import { holdOptimizers } from './late-optimizers.ts'

// Before anything else is loaded.
holdHeap()
holdOptimizers()
keepCompiledCode()
const [{ processIo }, { run }] = await Promise.all([import('./io.ts'), import('./run.ts')])

// A reader that closed the pipe (`| head`) has what it wanted.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

const code = await run(process.argv.slice(2), processIo())
// What failed halfway may have left something that would keep the process alive.
if (code !== 0) process.exit(code)
