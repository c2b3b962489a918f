import { lookup } from 'node:dns/promises'

/** Every address of a host. Rejects, or gives none, where there is none. */
export type Resolve = (host: string) => Promise<readonly string[]>

/** As this machine resolves names, its hosts file included. */
export const resolve: Resolve = async (host) => (await lookup(host, { all: true })).map(({ address }) => address)
