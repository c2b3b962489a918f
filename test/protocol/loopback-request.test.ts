import { expect, test } from 'vitest'
import type { HttpRequest, Peer } from '../../src/protocol/http.ts'
import { isLoopbackRequest } from '../../src/protocol/loopback-request.ts'

const house = { issuer: 'http://localhost:8080', trustsProxies: false }
const peer: Peer = { address: '127.0.0.1', socketAddress: '127.0.0.1', localAddress: '127.0.0.1', forwarded: false }
const request: HttpRequest = {
  method: 'POST',
  path: '/oauth/token',
  query: '',
  headers: { host: 'localhost:8080' },
  params: {},
  repeated: new Set(),
  body: '',
  peer,
}

type Changed = {
  readonly house?: Partial<typeof house>
  readonly peer?: Partial<Peer>
  readonly headers?: HttpRequest['headers']
}
const judge = (changed: Changed) =>
  isLoopbackRequest(
    { ...house, ...changed.house },
    { ...request, peer: { ...peer, ...changed.peer }, headers: { ...request.headers, ...changed.headers } },
  )

test.each<[string, Changed]>([
  ['as it is', {}],
  ['by IPv6', { peer: { socketAddress: '::1', localAddress: '::1' }, headers: { host: '[::1]:8080' } }],
  ['from a page of this machine', { headers: { origin: 'http://localhost:3000' } }],
  ['from a page of ours that hides its origin', { headers: { origin: 'null', 'sec-fetch-site': 'same-origin' } }],
])('from this machine: %s', (_, changed) => expect(judge(changed)).toBe(true))

test.each<[string, Changed]>([
  ['the issuer is a name that others know', { house: { issuer: 'https://login.example.org' } }],
  ['proxies are trusted', { house: { trustsProxies: true } }],
  ['the peer is another machine', { peer: { socketAddress: '192.0.2.1' } }],
  ['it came in at an address that others reach', { peer: { localAddress: '192.0.2.7' } }],
  ['something says that it was forwarded', { peer: { forwarded: true } }],
  ['Host is another name', { headers: { host: 'evil.example' } }],
  ['Host only begins like one of this machine', { headers: { host: 'localhost.evil.example:8080' } }],
  ['a page of elsewhere sent it', { headers: { origin: 'https://evil.example' } }],
  ['a page that hides its origin sent it', { headers: { origin: 'null', 'sec-fetch-site': 'cross-site' } }],
])('not from this machine: %s', (_, changed) => expect(judge(changed)).toBe(false))
