import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SqlAddress } from '../../src/config/sql-address.ts'
import { connect as connectMysql, connectionLimits as mysqlLimits } from '../../src/store/mysql/connection.ts'
import { connect as connectPostgres, connectionLimits as postgresLimits } from '../../src/store/postgres/connection.ts'
import { firstHost } from '../../src/store/sql/first-host.ts'

/** A server that takes connections and never says a word. */
let mute: Server
const sockets = new Set<Socket>()

beforeAll(async () => {
  mute = createServer((socket) => {
    sockets.add(socket.resume())
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
})
afterAll(() => {
  for (const socket of sockets) socket.destroy()
  mute.close()
})

const address = (more: Partial<SqlAddress> = {}): SqlAddress => ({
  hosts: [{ host: '127.0.0.1', port: (mute.address() as AddressInfo).port }],
  database: 'd',
  user: 'u',
  tls: false,
  connections: 2,
  schema: 's',
  ...more,
})

const engines = {
  PostgreSQL: (to: SqlAddress) => connectPostgres(to, { ...postgresLimits, connectMillis: 100 }),
  MySQL: (to: SqlAddress) => connectMysql(to, { ...mysqlLimits, connectMillis: 100 }),
}

describe.each(Object.entries(engines))('a connection to %s', (_, connect) => {
  test('that takes it and says nothing is given up, and closed', async () => {
    await expect(connect(address())).rejects.toMatchObject({ name: 'AttemptFailed' })
    await expect.poll(() => sockets.size).toBe(0)
  })

  test('isn’t tried without the authorities that it is to trust', async () => {
    const hosts = [{ host: 'localhost', port: 1 }]
    await expect(connect(address({ hosts, tls: true, tlsAuthorities: '/no/such.pem' }))).rejects.toMatchObject({
      name: 'StoreRefused',
      message: "the store's sslrootcert can't be read; check that the file is there and readable",
    })
  })
})

test('TLS towards MySQL takes a name: the driver would compare the certificate of an address with "localhost"', async () => {
  await expect(engines.MySQL(address({ tls: true }))).rejects.toMatchObject({
    name: 'StoreRefused',
    message: /takes the name of a host, not 127\.0\.0\.1/,
  })
})

test('of several hosts the first that lets us in is taken, and why the last one didn’t is said', async () => {
  const hosts = ['a', 'b', 'c'].map((host) => ({ host, port: 1 }))
  const tried: string[] = []
  const lets = (welcome: string) => async (host: { readonly host: string }) => {
    tried.push(host.host)
    if (host.host !== welcome) throw new Error(`not ${host.host}`)
    return host.host
  }
  expect(await firstHost(address({ hosts }), lets('b'))).toBe('b')
  await expect(firstHost(address({ hosts }), lets('none'))).rejects.toThrow('not c')
  expect(tried).toEqual(['a', 'b', 'a', 'b', 'c'])
  await expect(firstHost(address({ hosts: [] }), lets('a'))).rejects.toMatchObject({ verdict: 'none' })
})
