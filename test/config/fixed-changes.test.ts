import { expect, it } from 'vitest'
import { fixedChanges, fixedText } from '../../src/config/fixed-changes.ts'
import { configOf } from './load.ts'

const yaml = (more = ''): string => `providers:
  - { name: github, preset: github, client_id: Iv1, client_secret: { env: S } }
  - { name: etsy, preset: etsy, client_id: k3y, shared_secret: { env: T } }
${more}`
const environment = { S: 'theirs', T: 'shared' }
const running = configOf({ yaml: yaml(), environment })

it.each([
  ['nothing', { yaml: yaml(), environment }, []],
  ['what a reload applies', { yaml: yaml('users: { registration: open, second_factor: [admin] }'), environment }, []],
  ['a provider’s secret', { yaml: yaml(), environment: { ...environment, S: 'another' } }, ['providers']],
  ['a provider’s shared secret', { yaml: yaml(), environment: { ...environment, T: 'another' } }, ['providers']],
  ['two things', { yaml: yaml('log: { level: debug }\nlisten: { host: 127.0.0.2 }'), environment }, ['listen', 'log']],
])('names what a reload can’t change: %s', (_what, sources, names) => {
  const wanted = configOf(sources)
  expect(fixedChanges(running, wanted)).toEqual(
    names.map((name) => `${name} can't change while the server runs; restart it, or take the change back`),
  )
  // By it a worker finds out that it would serve otherwise than the others.
  expect(fixedText(wanted) === fixedText(running)).toBe(names.length === 0)
})
