import { describe, expect, test } from 'vitest'
import { parseStoreAddress, printStoreAddress } from '../../src/config/store-address.ts'

const parse = (text: string) => parseStoreAddress(text, (path) => `/etc/${path}`)

function sqlOf(text: string) {
  const result = parse(text)
  if ('problem' in result || result.address.adapter !== 'postgres') throw new Error(JSON.stringify(result))
  return result.address.sql
}

describe('an address of PostgreSQL', () => {
  test('names user, password, hosts, database and schema', () => {
    const sql = sqlOf('postgres://gate%40house:p%2Fw@db1:6000,[::1],db3/my%20db?schema=auth&connections=4')
    expect(sql).toMatchObject({
      user: 'gate@house',
      database: 'my db',
      hosts: [
        { host: 'db1', port: 6000 },
        { host: '::1', port: 5432 },
        { host: 'db3', port: 5432 },
      ],
      schema: 'auth',
      connections: 4,
      tls: true,
    })
    expect(sql.password?.reveal()).toBe('p/w')
  })

  test('prints without user, password and options', () => {
    const { address } = parse('postgresql://me:hunter2@db:5433,[::1]/x?connections=4') as { address: never }
    expect(printStoreAddress(address)).toBe('postgres://db:5433,[::1]/x')
    expect(JSON.stringify(address)).not.toContain('hunter2')
  })

  test('is spoken to in verified TLS, but on this machine', () => {
    expect(sqlOf('postgres://u@db/x').tls).toBe(true)
    expect(sqlOf('postgres://u@127.0.0.1,localhost/x').tls).toBe(false)
    expect(sqlOf('postgres://u@127.0.0.1,db/x').tls).toBe(true)
    expect(sqlOf('postgres://u@127.0.0.1/x?sslmode=verify-full').tls).toBe(true)
    expect(sqlOf('postgres://u@db/x?sslmode=disable').tls).toBe(false)
    expect(sqlOf('postgres://u@db/x?sslrootcert=ca.pem').tlsAuthorities).toBe('/etc/ca.pem')
  })

  test.each([
    ['postgres:', /can't be read; write postgres:\/\/USER/],
    ['postgres://hunter2@db', /can't be read/],
    ['postgres://db/x', /names no user/],
    ['postgres://u:%ff@db/x', /a % that begins no code/],
    ['postgres://u@db:99999/x', /a host that can't be read/],
    ['postgres://u@db,/x', /a host that can't be read/],
    ['postgres://u@db/x?sslmode=require', /protects from nobody/],
    ['postgres://u@db/x?sslmode=prefer', /protects from nobody/],
    [
      'postgres://u@db/x?application_name=hunter2',
      /an option that isn't one of sslmode, sslrootcert, connections, schema, standby/,
    ],
    ['postgres://u@db/x?schema=a&schema=b', /the option schema twice/],
    ['postgres://u@db/x?schema=Robert%22', /no plain lower-case name/],
    ['postgres://u@db/x?standby=asynchronous', /a standby other than synchronous/],
    ['mysql://u@db/x?standby=synchronous', /an option that isn't one of sslmode, sslrootcert, connections$/],
    ['postgres://u@db/x?connections=1', /outside 2 to 100/],
    ['postgres://u@db/x?connections=many', /outside 2 to 100/],
  ])('%s is refused without being repeated', (text, problem) => {
    const result = parse(text)
    expect(result).toMatchObject({ problem })
    expect(JSON.stringify(result)).not.toContain('hunter2')
  })
})
