import { createServer, connect, type Socket } from 'node:net'

/** Between a client and a server on this machine: what a network may do to them. */
export type TcpProxy = {
  readonly port: number
  /** Nothing passes, in neither direction, and nobody is told: as when a cable is pulled. */
  readonly freeze: () => void
  readonly thaw: () => void
  /** Ends every connection at once. */
  readonly cut: () => void
  /**
   * Called with what a client sends, before it is passed on. `cut after` passes it on, and ends the connection before any answer
   * comes back; `swallow` keeps it, and nobody is told.
   */
  watch: ((sent: Buffer) => 'pass' | 'cut after' | 'swallow') | undefined
  readonly close: () => Promise<void>
}

export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  let frozen = false
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1')
    let deaf = false
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
      if (frozen) one.pause()
    }
    near.on('data', (sent) => {
      const verdict = proxy.watch?.(sent) ?? 'pass'
      if (verdict !== 'swallow') far.write(sent)
      if (verdict !== 'cut after') return
      // The server gets all of it; the client learns nothing.
      deaf = true
      near.destroy()
    })
    near.on('close', () => far.end())
    far.on('data', (answered) => void (deaf ? undefined : near.write(answered)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  const proxy: TcpProxy = {
    port: address.port,
    freeze: () => {
      frozen = true
      for (const socket of sockets) socket.pause()
    },
    thaw: () => {
      frozen = false
      for (const socket of sockets) socket.resume()
    },
    cut: () => {
      for (const socket of sockets) socket.destroy()
    },
    watch: undefined,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return proxy
}
