import { expect, it } from 'vitest'
import { fixedChanges } from '../../src/config/fixed-changes.ts'
import { configOf } from './load.ts'

const yaml = (more = ''): string => `providers:
  - { name: github, preset: github, client_id: Iv1, client_secret: { env: S } }
  - { name: etsy, preset: etsy, client_id: k3y, shared_secret: { env: T } }
mail: { smtp: { env: M }, from: as@example.org }
audit: { sink: "https://sink.example", authorization: { env: A } }
${more}`
const environment = {
  S: 'theirs',
  T: 'shared',
  M: 'smtps://as:post@mail.example',
  A: 'Bearer sink',
  GATEHOUSE_STORE: 'postgres://as:store@db.example/as',
}
const running = configOf({ yaml: yaml(), environment })

it.each([
  ['nothing', {}, []],
  ['what a reload applies', { yaml: yaml('users: { registration: open, second_factor: [admin] }') }, []],
  ['a provider’s secret', { environment: { S: 'another' } }, ['providers']],
  ['a provider’s shared secret', { environment: { T: 'another' } }, ['providers']],
  ['the mail server’s password', { environment: { M: 'smtps://as:another@mail.example' } }, ['mail']],
  ['the collector’s header', { environment: { A: 'Bearer another' } }, ['audit']],
  ['the store’s password', { environment: { GATEHOUSE_STORE: 'postgres://as:another@db.example/as' } }, ['store']],
  ['two things', { yaml: yaml('log: { level: debug }\nlisten: { host: 127.0.0.2 }') }, ['listen', 'log']],
])('names what a reload can’t change: %s', (_what, given: Parameters<typeof configOf>[0], names) => {
  const wanted = configOf({ yaml: yaml(), ...given, environment: { ...environment, ...given.environment } })
  expect(fixedChanges(running, wanted)).toEqual(
    names.map((name) => `${name} can't change while the server runs; restart it, or take the change back`),
  )
})
