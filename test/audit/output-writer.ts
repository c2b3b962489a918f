import { setTimeout as pause } from 'node:timers/promises'
import { createOutputSink } from '../../src/audit/output-sink.ts'

/** One of several processes that share a standard output: so many deliveries of so many lines, all at once. */
const [, , name = '', deliveries = '0', lines = '0'] = process.argv
const sink = createOutputSink(pause)
await Promise.all(
  Array.from({ length: Number(deliveries) }, (_, delivery) =>
    sink.deliver(
      Array.from(
        { length: Number(lines) },
        (_line, line) =>
          `${JSON.stringify({ name, delivery, line, filler: 'x'.repeat((delivery * 7 + line * 13) % 400) })}\n`,
      ).join(''),
    ),
  ),
)
await sink.close()
