import { connect, createServer, type Socket } from 'node:net'

/** A way to a server that counts: what was sent before anything came back is one round trip, however many packets it took. */
export type RoundTripCounter = {
  readonly port: number
  readonly count: () => number
  readonly close: () => Promise<void>
}

export async function startRoundTripCounter(target: number): Promise<RoundTripCounter> {
  const sockets = new Set<Socket>()
  let trips = 0
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ port: target, host: '127.0.0.1', noDelay: true })
    let asking = false
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
    }
    near.on('data', (sent: Buffer) => {
      if (!asking) trips += 1
      asking = true
      far.write(sent)
    })
    far.on('data', (answered: Buffer) => {
      asking = false
      near.write(answered)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address !== 'object') throw new Error('no port')
  return {
    port: address.port,
    count: () => trips,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
