import type { WriterLink } from '../port.ts'
import type { Reply } from './messages.ts'
import type { Writer } from './writer.ts'

/** In place of a writer thread: the process that this one works for writes, together with what its other workers want written. */
export function writerElsewhere({ send, onReply }: WriterLink, reply: (reply: Reply) => void): Writer {
  // Both ends are this very program.
  onReply((answer) => reply(answer as Reply))
  return {
    begin: () => Promise.resolve({ is: 'ready' }),
    send: (order) => {
      if (order !== 'close') send('limit' in order ? { ...order } : order)
    },
    close: () => Promise.resolve(),
    abandon: () => Promise.resolve(),
  }
}
