import { connect, type Socket } from 'node:net'

export type RawAnswer = {
  /** Everything that came back, byte for byte as latin1. */
  readonly text: string
  /** Whether the server closed the connection. */
  readonly closed: boolean
}

/** Sends bytes as they are, several packets one after the other, and listens until the server closes or has been silent for `quietMillis`. */
export function sendRaw(
  port: number,
  bytes: string | Buffer | readonly string[],
  quietMillis?: number,
): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    // A busy machine may take long to begin; once it has begun, silence means that it is done.
    let timer = setTimeout(() => finish(false), quietMillis ?? 3_000)
    const finish = (closed: boolean): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ text, closed })
    }
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      clearTimeout(timer)
      timer = setTimeout(() => finish(false), quietMillis ?? 300)
    })
    socket.on('close', () => finish(true))
    socket.on('error', () => finish(true))
    socket.setNoDelay(true)
    const packets = typeof bytes === 'string' || Buffer.isBuffer(bytes) ? [bytes] : bytes
    for (const [index, packet] of packets.entries()) {
      setTimeout(() => socket.write(typeof packet === 'string' ? Buffer.from(packet, 'latin1') : packet), index * 10)
    }
  })
}

export function statusOf(answer: RawAnswer): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer.text)?.[1] ?? 0)
}

/** How many answers are in what came back: more than one for one request is a smuggled second. */
export function answersIn(answer: RawAnswer): number {
  return answer.text.split('HTTP/1.1 ').length - 1
}

export function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket))
    socket.on('error', reject)
  })
}
