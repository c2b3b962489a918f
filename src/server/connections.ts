import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { sourceOf } from '../limits/source.ts'
import type { Ends, Peers } from './peer.ts'

/** What the shell keeps for one connection. */
export type Link = {
  readonly ends: Ends
  /** Until its first request is complete. Only such connections are a cheap way to hold a place. */
  young: boolean
  /** Its last answer is written, or a body was answered before it had come whole: nothing more may be said on it. */
  ended: boolean
  /** What came can't be read, or came too slowly: nothing behind it is served. */
  broken: boolean
  /** Answers to all requests since it last owed none, given or not; emptied when the only one is given. */
  readonly owed: ServerResponse[]
}

const link = Symbol('link')
type Linked = Socket & { [link]?: Link }

/** Pipelining deeper than this is a way to make us hold answers that nobody reads. */
export const mostQueued = 32

export type ConnectionLimits = {
  /** All connections together. */
  readonly most: number
  /** Connections of one source, trusted proxies apart. */
  readonly mostPerSource: number
  /** Connections of one source that haven't sent a whole request yet, after the first moment. */
  readonly mostYoung: number
  /** The same within it: a program that opens many at once takes that long until it has spoken on each. */
  readonly mostNew: number
  readonly momentMillis: number
}

export const connectionLimits: ConnectionLimits = {
  most: 10_000,
  mostPerSource: 4_000,
  mostYoung: 256,
  mostNew: 1_024,
  momentMillis: 1_000,
}

/** Connections of one source. */
type Source = { all: number; readonly young: Set<Socket>; thinning: boolean }

export type Connections = {
  readonly linkOf: (socket: Socket) => Link
  /** A whole request head has come on it. */
  readonly proven: (socket: Socket, link: Link) => void
  /** Cut those that never said anything. */
  readonly closeSilent: () => void
  readonly size: () => number
  /** How many there were since the start. */
  readonly accepted: () => number
}

/**
 * J08: places are bounded, and one who holds many in silence loses the oldest of his own, so that whoever sends a request
 * right after connecting always gets through, and so does who connects often before he sends the first.
 */
export function watchConnections(
  server: Server,
  options: {
    readonly peers: Peers
    readonly limits: ConnectionLimits
    readonly onDropped: (connections: number) => void
  },
): Connections {
  const { peers, limits, onDropped } = options
  const bySource = new Map<string, Source>()
  let size = 0
  let accepted = 0
  server.maxConnections = limits.most

  server.on('connection', (socket: Linked) => {
    const ends = peers.ends(socket.remoteAddress, socket.localAddress)
    const made: Link = { ends, young: true, ended: false, broken: false, owed: [] }
    socket[link] = made
    size += 1
    accepted += 1
    const source = sourceOf(ends.direct.socketAddress)
    let known = bySource.get(source)
    if (known === undefined) {
      known = { all: 0, young: new Set(), thinning: false }
      bySource.set(source, known)
    }
    const { young } = known
    known.all += 1
    young.add(socket)
    socket.once('close', () => {
      size -= 1
      known.all -= 1
      young.delete(socket)
      if (known.all === 0) bySource.delete(source)
    })
    if (young.size > limits.mostNew) dropOldest(known)
    else if (young.size > limits.mostYoung) thinSoon(known)
    if (!ends.trusted && known.all > limits.mostPerSource) drop(socket)
  })

  // Node refuses the connection itself; whoever is idle makes room for the next.
  server.on('drop', () => {
    onDropped(size)
    server.closeIdleConnections()
  })

  function dropOldest({ young }: Source): void {
    const [oldest] = young
    if (oldest === undefined) return
    // Its end is told later.
    young.delete(oldest)
    drop(oldest)
  }

  function thinSoon(source: Source): void {
    if (source.thinning) return
    source.thinning = true
    const thin = (): void => {
      source.thinning = false
      while (source.young.size > limits.mostYoung) dropOldest(source)
    }
    // What has come while this process was busy is read before anybody is judged by his silence.
    setTimeout(() => setImmediate(() => setImmediate(thin)), limits.momentMillis).unref()
  }

  function drop(socket: Socket): void {
    onDropped(size)
    socket.destroy()
  }

  return {
    linkOf: (socket: Linked) => {
      const known = socket[link]
      if (known === undefined) throw new Error('a connection that was never announced')
      return known
    },
    proven: (socket, known) => {
      known.young = false
      bySource.get(sourceOf(known.ends.direct.socketAddress))?.young.delete(socket)
    },
    closeSilent: () => {
      for (const { young } of bySource.values()) {
        for (const socket of young) if (socket.bytesRead === 0) socket.destroy()
      }
    },
    size: () => size,
    accepted: () => accepted,
  }
}
