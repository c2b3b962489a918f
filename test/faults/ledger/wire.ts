import { Agent, request, type IncomingHttpHeaders } from 'node:http'
import { Socket } from 'node:net'

export type Answer = {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/**
 * `lost`: sent, and no whole answer came, so that nobody outside knows what happened; on a connection that had been silent for so
 * long before (0: a new one). `unsent`: nobody listens.
 */
export type Reply = Answer | { readonly lost: string; readonly silentMillis: number } | { readonly unsent: true }

export type Ask = {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly form?: Readonly<Record<string, string>>
  readonly json?: unknown
}

/** Kept connections to one life of the server. */
export type Wire = {
  readonly ask: (path: string, ask?: Ask) => Promise<Reply>
  /** From now on no new connection: what finds none that is kept stays unsent. */
  readonly keepToConnections: () => void
  readonly close: () => void
}

/** A request that the server hasn't answered in this time counts as lost: far beyond all that it may take. */
const patienceMillis = 40_000

/** `host`: what the requests name, where it isn't that very port. */
export function openWire(port: number, host = `localhost:${port}`): Wire {
  const agent = new Agent({ keepAlive: true })
  const heardAt = new WeakMap<object, number>()
  return {
    ask,
    keepToConnections: () => {
      agent.createConnection = (_options, connected) => {
        connected?.(Object.assign(new Error('no new connection'), { syscall: 'connect' }), new Socket())
        return undefined
      }
    },
    close: () => agent.destroy(),
  }

  function ask(path: string, { method, headers, form, json }: Ask = {}): Promise<Reply> {
    const body =
      form === undefined
        ? json === undefined
          ? undefined
          : JSON.stringify(json)
        : new URLSearchParams(form).toString()
    const type = form === undefined ? 'application/json' : 'application/x-www-form-urlencoded'
    return new Promise((resolve) => {
      let silentMillis = 0
      let connection: object | undefined
      const lost = (why: string): void => resolve({ lost: why, silentMillis })
      const sent = request(
        {
          port,
          host: '127.0.0.1',
          agent,
          path,
          method: method ?? (body === undefined ? 'GET' : 'POST'),
          headers: {
            host,
            ...(body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) }),
            ...headers,
          },
        },
        (response) => {
          let text = ''
          response.setEncoding('utf8')
          response.on('data', (chunk: string) => (text += chunk))
          response.on('end', () => {
            if (connection !== undefined) heardAt.set(connection, performance.now())
            if (response.complete) resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
            else lost('cut in the answer')
          })
          response.on('error', (error) => lost(`cut in the answer: ${error.message}`))
        },
      )
      sent.setTimeout(patienceMillis, () => sent.destroy(new Error('no answer for too long')))
      sent.on('socket', (socket) => {
        const now = performance.now()
        connection = socket
        silentMillis = now - (heardAt.get(socket) ?? now)
      })
      sent.on('error', (error: NodeJS.ErrnoException) => {
        // A connection that never came about carried nothing: the kernel resets those that wait while a listener closes.
        if (error.syscall === 'connect') resolve({ unsent: true })
        else lost(error.message)
      })
      sent.end(body)
    })
  }
}
