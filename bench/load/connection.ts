import { connect as open, type Socket } from 'node:net'

/** An answer, undecoded: one character per byte. */
export type Reply = { readonly status: number; readonly head: string; readonly body: string }

export type Connection = {
  /** One request at a time; rejects when the server closes or speaks something unexpected. */
  readonly request: (bytes: string) => Promise<Reply>
  readonly close: () => void
}

const RECEIVE_BYTES = 64 * 1024

/** A connection broke, which says nothing about the answers on it. */
export class ConnectionLost extends Error {}
/** The exit status by which the load tells it from a wrong answer. */
export const connectionLostStatus = 75

/**
 * A keep-alive HTTP/1.1 connection without pipelining, as lean as node:net allows: the load must not cost more than the server.
 * One that the server closed between two requests, which it may (RFC 9112 §9.5), is opened again by the next: while the last
 * lanes are set up, the first may be idle for longer than a server waits. `from`: the address of this machine that it comes from.
 */
export const connect = async (host: string, port: number, from?: string): Promise<Connection> => {
  let received = ''
  let waiting: { on: Socket; resolve: (reply: Reply) => void; reject: (error: Error) => void } | undefined
  let socket = await openSocket()

  function openSocket(): Promise<Socket> {
    received = ''
    return new Promise((resolve, reject) => {
      const opened: Socket = open({
        host,
        port,
        noDelay: true,
        ...(from !== undefined && { localAddress: from }),
        onread: {
          buffer: Buffer.allocUnsafe(RECEIVE_BYTES),
          callback: (length, bytes) => receive(opened, length, bytes),
        },
      })
      const fail = (error: Error): void => {
        reject(error)
        if (waiting?.on !== opened) return
        waiting.reject(error)
        waiting = undefined
      }
      opened.on('error', (error) => fail('code' in error ? new ConnectionLost(error.message) : error))
      opened.on('close', () => fail(new ConnectionLost('the server closed the connection')))
      opened.on('connect', () => resolve(opened))
    })
  }

  function receive(socketOf: Socket, length: number, buffer: Uint8Array): boolean {
    received += (buffer as Buffer).toString('latin1', 0, length)
    try {
      const parsed = parseReply(received)
      if (parsed === undefined) return true
      received = received.slice(parsed.length)
      const answered = waiting
      waiting = undefined
      answered?.resolve(parsed.reply)
    } catch (error) {
      socketOf.destroy(error as Error)
    }
    return true
  }

  const send = (bytes: string): Promise<Reply> =>
    new Promise((resolve, reject) => {
      waiting = { on: socket, resolve, reject }
      socket.write(bytes, 'latin1')
    })
  return {
    request: async (bytes) => {
      // Nothing settles what is written to a socket that is gone.
      if (!socket.writable) socket = await openSocket()
      return send(bytes)
    },
    close: () => socket.destroy(),
  }
}

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
