import type { AddressInfo, Server } from 'node:net'

const mends: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken by another program: stop it, or choose another with --port',
  EACCES: 'may not be used by this account: choose a port above 1023 with --port, or let a proxy listen there',
  EADDRNOTAVAIL: 'is no address of this machine: choose another with --host',
  ENOTFOUND: 'is no address that can be resolved: choose another with --host',
}

/** Listens, or throws one line that says what is in the way and the mend. */
export function listenOn(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      const mend = mends[error.code ?? '']
      reject(mend === undefined ? error : new Error(`${host}:${port} ${mend}`, { cause: error }))
    }
    server.once('error', failed)
    server.listen({ host, port, backlog: 1024 }, () => {
      server.off('error', failed)
      const address = server.address()
      if (typeof address === 'object' && address !== null) resolve(address)
      else reject(new Error('the server listens on no port'))
    })
  })
}
