import { connect as open, type Socket } from 'node:net'

/** An answer, undecoded: one character per byte. */
export type Reply = { readonly status: number; readonly head: string; readonly body: string }

export type Connection = {
  /** One request at a time; rejects when the server closes or speaks something unexpected. */
  readonly request: (bytes: string) => Promise<Reply>
  readonly close: () => void
}

const RECEIVE_BYTES = 64 * 1024

/** A keep-alive HTTP/1.1 connection without pipelining, as lean as node:net allows: the load must not cost more than the server. */
export const connect = (host: string, port: number): Promise<Connection> =>
  new Promise((resolve, reject) => {
    let received = ''
    let waiting: { resolve: (reply: Reply) => void; reject: (error: Error) => void } | undefined
    const fail = (error: Error): void => {
      reject(error)
      waiting?.reject(error)
      waiting = undefined
    }
    const receive = (length: number, buffer: Uint8Array): boolean => {
      received += (buffer as Buffer).toString('latin1', 0, length)
      try {
        const parsed = parseReply(received)
        if (parsed === undefined) return true
        received = received.slice(parsed.length)
        const answered = waiting
        waiting = undefined
        answered?.resolve(parsed.reply)
      } catch (error) {
        socket.destroy(error as Error)
      }
      return true
    }
    const socket: Socket = open({
      host,
      port,
      noDelay: true,
      onread: { buffer: Buffer.allocUnsafe(RECEIVE_BYTES), callback: receive },
    })
    socket.on('error', fail)
    socket.on('close', () => fail(new Error('the server closed the connection')))
    socket.on('connect', () =>
      resolve({
        request: (bytes) =>
          new Promise((answered, failed) => {
            waiting = { resolve: answered, reject: failed }
            socket.write(bytes, 'latin1')
          }),
        close: () => socket.destroy(),
      }),
    )
  })

const parseReply = (text: string): { reply: Reply; length: number } | undefined => {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = text.slice(0, end)
  const status = Number(head.slice(9, 12))
  const announced = header(head, 'content-length')
  if (announced === undefined && status !== 204 && status !== 304) {
    throw new Error(`an answer without Content-Length, which the load generator doesn't read:\n${head}`)
  }
  const length = end + 4 + Number(announced ?? 0)
  if (text.length < length) return undefined
  return { reply: { status, head, body: text.slice(end + 4, length) }, length }
}

const PATTERNS = new Map<string, RegExp>()

/** The first value of a header in a reply's head. */
export const header = (head: string, name: string): string | undefined => {
  let pattern = PATTERNS.get(name)
  if (pattern === undefined) {
    pattern = new RegExp(`\\r\\n${name}: *([^\\r]*)`, 'i')
    PATTERNS.set(name, pattern)
  }
  return pattern.exec(head)?.[1]
}
