import { beforeEach, describe, expect, test } from 'vitest'
import { applyFileEntries, reconcileClient } from '../../src/accounts/file-entries.ts'
import { changeClient, deleteClient, rotateClientSecret } from '../../src/accounts/change-client.ts'
import { createClient } from '../../src/accounts/create-client.ts'
import { findClient } from '../../src/accounts/find-client.ts'
import { findResource } from '../../src/accounts/find-resource.ts'
import { changeResource, createResource, deleteResource } from '../../src/accounts/write-resource.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { newClientSecret } from '../../src/tokens/client-secret.ts'
import { printToken } from '../../src/tokens/token-text.ts'
import { client as fixtureClient } from '../domain/fixtures.ts'
import { configOf } from '../config/load.ts'
import { cli, done, openHouse, refusal, type House } from './house.ts'

let house: House
beforeEach(async () => {
  house = await openHouse()
})

const strong = 'K7mQ2vXr9TbN4cLw8ZpYd3HsJf6GkAeR1uViOx0MqEtWy5CaBn-_'
const another = 'pT5kZr8mWq3xVb7nYc2dLs9hJg4fGaQe6uRiXo1MtEyNw0CvBz_-'
const webYaml =
  '{ client_id: web, redirect_uris: ["https://app.example/cb"], scope: openid read, client_secret: { env: S } }'
const appYaml = '{ client_id: app, redirect_uris: ["com.example.app:/cb"], token_endpoint_auth_method: none }'
const apiYaml = '{ resource: "https://api.example", scope: read }'

/** Applies what a file with these lists says. */
function apply(clients: readonly string[], resources: readonly string[] = [], secret = strong) {
  return applyFileEntries(
    house,
    configOf({
      yaml: `clients: [${clients.join(', ')}]\nresources: [${resources.join(', ')}]`,
      environment: { S: secret },
    }),
  )
}

test('entries become records that are the file’s own', async () => {
  expect(await apply([webYaml, appYaml], [apiYaml])).toEqual({
    done: { created: ['web', 'app', 'https://api.example'], changed: [], disabled: [] },
  })
  expect(await findClient(house, 'web')).toMatchObject({
    managedBy: 'file',
    disabled: false,
    authentication: { method: 'client_secret_basic' },
  })
  expect(await findResource(house, 'https://api.example')).toMatchObject({ managedBy: 'file', scope: ['read'] })
  expect(await house.events()).toContainEqual(
    expect.objectContaining({ type: 'client.created', clientId: 'web', actor: 'file' }),
  )
  expect(JSON.stringify(await house.store.read([{ kind: 'client', id: 'web' }]))).not.toContain(strong)
})

test('what is as it was writes nothing', async () => {
  await apply([webYaml, appYaml], [apiYaml])
  await house.announced()
  const before = await house.store.read([{ kind: 'client', id: 'web' }])
  house.wait(60)
  expect(await apply([webYaml, appYaml], [apiYaml])).toEqual({ done: { created: [], changed: [], disabled: [] } })
  expect(await house.announced()).toEqual([])
  expect(await house.store.read([{ kind: 'client', id: 'web' }])).toEqual(before)
})

test('an entry that changes is replaced; its epoch moves only if it may do less', async () => {
  await apply([webYaml])
  house.wait(5)
  expect(await apply([webYaml.replace('openid read', 'openid read write')])).toEqual({
    done: { created: [], changed: ['web'], disabled: [] },
  })
  expect(await findClient(house, 'web')).toMatchObject({ scope: ['openid', 'read', 'write'], epoch: 1 })
  await apply([webYaml.replace('openid read', 'openid')])
  expect(await findClient(house, 'web')).toMatchObject({ scope: ['openid'], epoch: house.clock.millis() })
})

test('a new secret in the same place takes the place of the old one', async () => {
  await apply([webYaml])
  const before = await findClient(house, 'web')
  expect(await apply([webYaml], [], another)).toEqual({ done: { created: [], changed: ['web'], disabled: [] } })
  const after = await findClient(house, 'web')
  expect(after?.authentication).not.toEqual(before?.authentication)
  expect(after?.authentication).toMatchObject({ secrets: [{}] })
})

describe('an entry that leaves the file', () => {
  test('is switched off, and all that was issued to it is dead', async () => {
    await apply([webYaml, appYaml], [apiYaml])
    house.wait(5)
    await house.announced()
    expect(await apply([appYaml])).toEqual({
      done: { created: [], changed: [], disabled: ['web', 'https://api.example'] },
    })
    expect(await findClient(house, 'web')).toMatchObject({ disabled: true, epoch: house.clock.millis() })
    expect(await findResource(house, 'https://api.example')).toMatchObject({ disabled: true })
    expect(await house.announced()).toEqual([
      { kind: 'client', id: 'web' },
      { kind: 'resource', id: 'https://api.example' },
    ])
    expect(await apply([appYaml])).toEqual({ done: { created: [], changed: [], disabled: [] } })
  })

  test('comes back with the entry, but not with what was issued before', async () => {
    await apply([webYaml])
    house.wait(5)
    await apply([])
    const { epoch } = (await findClient(house, 'web')) ?? {}
    expect(await apply([webYaml])).toEqual({ done: { created: [], changed: ['web'], disabled: [] } })
    expect(await findClient(house, 'web')).toMatchObject({ disabled: false, epoch })
  })

  test('may then be deleted, and its id is never used again', async () => {
    await apply([webYaml])
    await apply([])
    done(await deleteClient(house, { actor: cli, clientId: 'web' }))
    expect(await apply([webYaml])).toEqual({
      problems: ['client web was deleted, and its id is never used again; choose another client_id'],
    })
  })
})

test('an id in both places refuses, and nothing of the file is applied', async () => {
  done(await createClient(house, cli, { client_id: 'web', redirect_uris: ['https://app.example/cb'] }))
  done(
    await createResource(house, { actor: cli, issuer: 'https://login.example' }, { resource: 'https://api.example' }),
  )
  await house.announced()
  expect(await apply([appYaml, webYaml], [apiYaml])).toEqual({
    problems: [
      'client web was made by an administrator already; delete it or choose another client_id',
      'resource https://api.example was made by an administrator already; delete it or leave it out of the file',
    ],
  })
  expect(await findClient(house, 'app')).toBeUndefined()
  expect(await findClient(house, 'web')).toMatchObject({ managedBy: 'administrator' })
  expect(await house.announced()).toEqual([])
})

test('what an administrator made is never switched off by a file that doesn’t name it', async () => {
  done(await createClient(house, cli, { client_id: 'mine', redirect_uris: ['https://app.example/cb'] }))
  await apply([webYaml])
  await apply([])
  expect(await findClient(house, 'mine')).toMatchObject({ disabled: false, epoch: 1 })
})

test('an administrator’s client is let alone even if it took the place of the file’s while a reload was under way', () => {
  const slot = {
    kind: 'client',
    id: 'mine',
    version: 'v1',
    value: { ...fixtureClient, managedBy: 'administrator' },
  } as const
  expect(reconcileClient(slot, undefined, { now: 1, nowMillis: 1000 })).toEqual({ is: 'unchanged' })
})

test('entries of the file are read-only for everybody else (409 managed_by_file)', async () => {
  await apply([webYaml], [apiYaml])
  const issuer = 'https://login.example'
  const outcomes = [
    await changeClient(house, { actor: cli, clientId: 'web', fields: { client_name: 'x' } }),
    await rotateClientSecret(house, { actor: cli, clientId: 'web' }),
    await deleteClient(house, { actor: cli, clientId: 'web' }),
    await changeResource(house, { actor: cli, issuer }, { resource: 'https://api.example', fields: { scope: 'x' } }),
    await deleteResource(house, cli, 'https://api.example'),
  ]
  for (const outcome of outcomes) expect(refusal(outcome)).toMatch(/^managed_by_file: /)
})

test('several processes that start together agree', async () => {
  const outcomes = await Promise.all(Array.from({ length: 5 }, () => apply([webYaml, appYaml], [apiYaml])))
  const created = outcomes.flatMap((outcome) => ('done' in outcome ? outcome.done.created : ['a problem']))
  expect(created.toSorted()).toEqual(['app', 'https://api.example', 'web'])
})

describe('clients of the file that never send their secret', () => {
  const signing = (method: string) =>
    webYaml.replace('client_id: web', `client_id: web, token_endpoint_auth_method: ${method}`)
  const kept = async () => {
    const proof = (await findClient(house, 'web'))?.authentication
    return proof !== undefined && 'secrets' in proof ? proof.secrets : []
  }

  const made = newClientSecret(createRandom()).secret
  const madeToo = newClientSecret(createRandom()).secret

  test.each(['client_secret_jwt', 'http_message_signature'])('%s: the secret is sealed, once', async (method) => {
    await apply([signing(method)], [], made)
    const [first] = await kept()
    const protection = await house.protection()
    expect(Buffer.from(protection.open('client-secret', 'web', first?.sealed ?? '')).toString()).toBe(made)
    expect(JSON.stringify(await findClient(house, 'web'))).not.toContain(made)
    // Sealing twice gives other bytes; that must not look like a change.
    expect(await apply([signing(method)], [], made)).toEqual({ done: { created: [], changed: [], disabled: [] } })
    await apply([signing(method)], [], madeToo)
    expect(await kept()).toMatchObject([{ sealed: expect.not.stringMatching(first?.sealed ?? '') as string }])
  })

  test('one that begins or ceases to compute with its secret keeps it readable only meanwhile', async () => {
    await apply([webYaml], [], made)
    expect(await kept()).toEqual([{ hash: expect.any(String) as string, createdAt: expect.any(Number) as number }])
    await apply([signing('client_secret_jwt')], [], made)
    expect(await kept()).toMatchObject([{ sealed: expect.any(String) as string }])
    // Whoever only looks (gatehouse doctor) seals nothing anew.
    const [wanted] = configOf({
      yaml: `clients: [${signing('client_secret_jwt')}]`,
      environment: { S: made },
    }).clients
    const value = await findClient(house, 'web')
    const slot = { kind: 'client', id: 'web', version: 'v1', value } as const
    expect(reconcileClient(slot, wanted, { now: 1, nowMillis: 1000 })).toEqual({ is: 'unchanged' })
    await apply([webYaml], [], made)
    expect((await kept())[0]).not.toHaveProperty('sealed')
  })

  test.each(['client_secret_jwt', 'http_message_signature'])(
    'D13: %s takes no secret of people, however long, and names the command that makes one',
    async (method) => {
      const phrase = 'Correct-Horse_Battery-Staple_on-a-Sunday-43'
      const body = made.slice(16)
      const others = [phrase, strong, body, `gth_cs_00000000_${body}`, made.slice(0, -1), `gth_cs_${phrase}`]
      for (const secret of others) {
        expect(await apply([signing(method)], [], secret), secret).toEqual({
          problems: [
            `client web has a client_secret that Gatehouse didn't make, which ${method} needs; make one with: gatehouse key create --client-secret`,
          ],
        })
      }
      expect(await findClient(house, 'web')).toBeUndefined()
      // A right checksum over what we never make.
      const short = printToken('cs', phrase.slice(1))
      expect(await apply([signing(method)], [], short)).toHaveProperty('problems')
      // Where it is only compared, guesses are counted: an operator's own secret is good there.
      expect(await apply([webYaml], [], phrase)).toHaveProperty('done')
    },
  )

  test('a one-time code can’t be demanded of them: nobody would be shown its secret', () => {
    const yaml = `clients: [${signing('http_message_signature').replace('client_id: web', 'client_id: web, require_one_time_code: true')}]`
    expect(() => configOf({ yaml, environment: { S: strong } })).toThrow(
      /require_one_time_code .*gatehouse client create/,
    )
  })
})
