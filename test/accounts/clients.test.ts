import { beforeEach, describe, expect, test } from 'vitest'
import { changeClient, deleteClient, rotateClientSecret } from '../../src/accounts/change-client.ts'
import { createClient } from '../../src/accounts/create-client.ts'
import { findClient, listClients, printClient } from '../../src/accounts/find-client.ts'
import { findResource, listResources, printResource } from '../../src/accounts/find-resource.ts'
import { changeResource, createResource, deleteResource } from '../../src/accounts/write-resource.ts'
import { heldBy } from '../../src/accounts/client-credentials.ts'
import { verifyClientSecret } from '../../src/tokens/client-secret.ts'
import { asUser, cli, done, makeUser, openHouse, refusal, type House } from './house.ts'

let house: House
beforeEach(async () => {
  house = await openHouse()
})

const web = {
  client_id: 'web',
  client_name: 'Web',
  redirect_uris: ['https://app.example/cb'],
  scope: 'openid profile read',
}
const issuer = 'https://login.example'

/** Whether a secret opens the client now. */
async function opens(clientId: string, secret: string | undefined): Promise<boolean> {
  const client = await findClient(house, clientId)
  return client !== undefined && verifyClientSecret(secret ?? '', heldBy(client).secrets, house.clock.seconds())
}

describe('creating a client', () => {
  test('a confidential one gets a secret that is shown once and kept as a hash', async () => {
    const { client, secret } = done(await createClient(house, cli, web))
    expect(secret).toMatch(/^gth_cs_/)
    expect(await opens('web', secret)).toBe(true)
    expect(await opens('web', `${secret}x`)).toBe(false)
    expect(JSON.stringify(await house.store.read([{ kind: 'client', id: 'web' }]))).not.toContain(secret)
    expect(printClient(client)).toMatchObject({
      client_id: 'web',
      client_name: 'Web',
      scope: 'openid profile read',
      managed_by: 'administrator',
      epoch: 1,
    })
    expect(JSON.stringify(printClient(client))).not.toContain('hash')
    expect(await house.events()).toContainEqual(
      expect.objectContaining({ type: 'client.created', clientId: 'web', actor: 'cli' }),
    )
  })

  test('a public one has none; an id that nobody chose is made', async () => {
    const { client, secret } = done(
      await createClient(house, cli, { redirect_uris: ['https://a.example/cb'], token_endpoint_auth_method: 'none' }),
    )
    expect(secret).toBeUndefined()
    expect(client.clientId).toMatch(/^c[\w-]{22}$/)
    expect((await findClient(house, client.clientId))?.authentication).toEqual({ method: 'none' })
  })

  test.each([
    [{ ...web, redirect_uris: ['https://*.example/cb'] }, /^invalid_field: redirect_uris\[0\] has a wildcard/],
    [{ ...web, client_id: 'usr_x' }, /^invalid_field: client_id /],
    [{ ...web, redirect_uri: 'x' }, /^invalid_field: client metadata holds a field that does not exist/],
    [
      { ...web, grant_types: ['password'], legacy: ['password'], scope: 'openid admin' },
      /^invalid_field: scope names admin, which a client with the password grant may not hold/,
    ],
    [
      { ...web, client_id: 'loopback', grant_types: ['password'], legacy: ['password'], scope: 'admin' },
      /^invalid_field: scope names admin/,
    ],
  ])('refused: %j', async (document, expected) => {
    expect(refusal(await createClient(house, cli, document))).toMatch(expected)
    expect((await listClients(house, { limit: 100 })).clients).toEqual([])
  })

  test('nobody gives a client more than he holds', async () => {
    const admin = await makeUser(house, { username: 'admin2', role: 'admin' })
    const document = { client_id: 'tool', grant_types: ['client_credentials'], scope: 'accounts:provision' }
    expect(refusal(await createClient(house, asUser(admin, 'admin'), document))).toBe(
      'forbidden: you cannot give a scope that you do not hold',
    )
    for (const scope of ['admin vault', 'introspect vault'])
      done(await createClient(house, asUser(admin, 'admin'), { ...document, client_id: scope.slice(0, 5), scope }))
  })

  test('of ten at once one gets the id', async () => {
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => createClient(house, cli, web)))
    expect(outcomes.filter((outcome) => 'done' in outcome)).toHaveLength(1)
  })
})

describe('changing a client', () => {
  test('single fields change, null takes one away, the rest stays, so does the secret', async () => {
    const { secret } = done(await createClient(house, cli, web))
    const { client, secret: another } = done(
      await changeClient(house, {
        actor: cli,
        clientId: 'web',
        fields: { client_name: null, policy_uri: 'https://app.example/privacy' },
      }),
    )
    expect(another).toBeUndefined()
    expect(client.name).toBeUndefined()
    expect(client).toMatchObject({
      policyUri: 'https://app.example/privacy',
      scope: ['openid', 'profile', 'read'],
      redirectUris: ['https://app.example/cb'],
    })
    expect(await opens('web', secret)).toBe(true)
  })

  test.each([
    ['less scope', { scope: 'openid' }, true],
    ['more scope', { scope: 'openid profile read write' }, false],
    ['a redirect URI less', { redirect_uris: ['https://app.example/other'] }, true],
    ['a redirect URI more', { redirect_uris: ['https://app.example/cb', 'https://app.example/other'] }, false],
    ['named resources instead of all', { resources: ['https://api.example'] }, true],
    ['another authentication', { token_endpoint_auth_method: 'client_secret_post' }, true],
    ['loopback alone', { loopback_only: true }, true],
    ['another name', { client_name: 'Better' }, false],
  ])('%s ends what was issued: %s', async (_name, fields, ends) => {
    const { client } = done(await createClient(house, cli, web))
    house.wait(5)
    const after = done(await changeClient(house, { actor: cli, clientId: 'web', fields })).client
    expect(after.epoch).toBe(ends ? house.clock.millis() : client.epoch)
    expect(await house.announced()).toContainEqual({ kind: 'client', id: 'web' })
  })

  test('a public client that becomes confidential gets a secret, one that becomes public loses it', async () => {
    done(await createClient(house, cli, { ...web, token_endpoint_auth_method: 'none' }))
    const { secret } = done(
      await changeClient(house, {
        actor: cli,
        clientId: 'web',
        fields: { token_endpoint_auth_method: 'client_secret_basic' },
      }),
    )
    expect(await opens('web', secret)).toBe(true)
    done(await changeClient(house, { actor: cli, clientId: 'web', fields: { token_endpoint_auth_method: 'none' } }))
    expect(await opens('web', secret)).toBe(false)
  })

  test('what changes nothing writes nothing', async () => {
    done(await createClient(house, cli, web))
    await house.announced()
    done(await changeClient(house, { actor: cli, clientId: 'web', fields: { client_name: 'Web', client_id: 'web' } }))
    expect(await house.announced()).toEqual([])
  })

  test('its id stays, and nobody takes over a client that holds more than he does', async () => {
    const admin = await makeUser(house, { username: 'admin2', role: 'admin' })
    done(await createClient(house, cli, { ...web, scope: 'openid accounts:provision' }))
    const actor = asUser(admin, 'admin')
    expect(refusal(await changeClient(house, { actor: cli, clientId: 'web', fields: { client_id: 'other' } }))).toMatch(
      /client_id stays/,
    )
    expect(
      refusal(
        await changeClient(house, { actor, clientId: 'web', fields: { redirect_uris: ['https://evil.example/cb'] } }),
      ),
    ).toMatch(/^forbidden/)
    expect(refusal(await changeClient(house, { actor, clientId: 'web', fields: { scope: 'openid' } }))).toMatch(
      /^forbidden/,
    )
    expect(refusal(await rotateClientSecret(house, { actor, clientId: 'web' }))).toMatch(/^forbidden/)
  })
})

describe('rotating a secret', () => {
  test('the old one is dead at once', async () => {
    const first = done(await createClient(house, cli, web)).secret
    const second = done(await rotateClientSecret(house, { actor: cli, clientId: 'web' })).secret
    expect([await opens('web', first), await opens('web', second)]).toEqual([false, true])
    expect((await findClient(house, 'web'))?.authentication).toMatchObject({
      secrets: [{ createdAt: house.clock.seconds() }],
    })
  })

  test('or after the overlap, which no later rotation lengthens', async () => {
    const first = done(await createClient(house, cli, web)).secret
    const second = done(await rotateClientSecret(house, { actor: cli, clientId: 'web', overlapSeconds: 60 })).secret
    house.wait(59)
    expect([await opens('web', first), await opens('web', second)]).toEqual([true, true])
    done(await rotateClientSecret(house, { actor: cli, clientId: 'web', overlapSeconds: 600 }))
    house.wait(1)
    expect([await opens('web', first), await opens('web', second)]).toEqual([false, true])
  })

  test('a public client has none to rotate, and no overlap is endless', async () => {
    done(await createClient(house, cli, { ...web, client_id: 'public', token_endpoint_auth_method: 'none' }))
    expect(refusal(await rotateClientSecret(house, { actor: cli, clientId: 'public' }))).toMatch(
      /a client with none has no secret/,
    )
    done(await createClient(house, cli, web))
    for (const overlapSeconds of [-1, 1.5, 8 * 24 * 3600, Number.NaN]) {
      expect(refusal(await rotateClientSecret(house, { actor: cli, clientId: 'web', overlapSeconds }))).toMatch(
        /0 to 604800 seconds/,
      )
    }
  })
})

describe('deleting a client', () => {
  test('it is gone for everybody, its tokens are dead, and its id is never somebody else’s', async () => {
    const { secret } = done(await createClient(house, cli, web))
    house.wait(5)
    done(await deleteClient(house, { actor: cli, clientId: 'web' }))
    expect(await findClient(house, 'web')).toBeUndefined()
    expect((await listClients(house, { limit: 100 })).clients).toEqual([])
    const [tombstone] = await house.store.read([{ kind: 'client', id: 'web' }])
    expect(tombstone?.value).toMatchObject({
      disabled: true,
      epoch: house.clock.millis(),
      redirectUris: [],
      grantTypes: [],
      scope: [],
      authentication: { method: 'none' },
    })
    expect(await opens('web', secret)).toBe(false)
    expect(refusal(await createClient(house, cli, web))).toBe(
      'conflict: client_id belonged to a client that was deleted, and is never used again; choose another',
    )
    expect(refusal(await deleteClient(house, { actor: cli, clientId: 'web' }))).toBe(
      'not_found: there is no such client',
    )
  })
})

describe('APIs', () => {
  const api = {
    resource: 'https://api.example',
    scope: 'read write',
    access_token: { format: 'opaque', ttl: 300 },
    introspection_clients: ['web'],
  }

  test('are made, changed field by field, listed and forgotten', async () => {
    done(await createResource(house, { actor: cli, issuer }, api))
    expect(refusal(await createResource(house, { actor: cli, issuer }, api))).toMatch(/^conflict/)
    const changed = done(
      await changeResource(
        house,
        { actor: cli, issuer },
        { resource: api.resource, fields: { scope: 'read', resource_name: 'API' } },
      ),
    )
    expect(changed).toMatchObject({
      name: 'API',
      scope: ['read'],
      accessToken: { format: 'opaque', ttl: 300, claims: [] },
      introspectionClients: ['web'],
    })
    const bare = done(
      await changeResource(house, { actor: cli, issuer }, { resource: api.resource, fields: { resource_name: null } }),
    )
    expect('name' in bare).toBe(false)
    expect((await listResources(house, { limit: 10 })).resources.map(printResource)).toEqual([
      {
        resource: api.resource,
        scope: 'read',
        access_token: { format: 'opaque', ttl: 300, claims: [] },
        introspection_clients: ['web'],
        managed_by: 'administrator',
        disabled: false,
        created_at: house.clock.seconds(),
      },
    ])
    done(await deleteResource(house, cli, api.resource))
    expect(await findResource(house, api.resource)).toBeUndefined()
    expect(await house.announced()).toContainEqual({ kind: 'resource', id: api.resource })
  })

  test.each([
    [{ resource: 'api' }, 'invalid_field: resource must be an absolute URI without fragment, its scheme in lower case'],
    [
      { resource: issuer },
      'invalid_field: resource is the issuer, which has tokens of its own; name the API by its own address',
    ],
    [
      { resource: 'https://api.example', scope: 'admin' },
      'invalid_field: scope names admin, which belongs to Gatehouse; choose another name',
    ],
    [
      { resource: 'https://api.example', ttl: 5 },
      'invalid_field: ttl is an unknown key; known here: resource, resource_name, scope, held_scopes, scope_descriptions, access_token, introspection_clients',
    ],
    [
      { resource: 'https://api.example', access_token: { ttl: 1e9 } },
      'invalid_field: access_token.ttl must be at most 3600',
    ],
    [
      { resource: 'https://api.example', introspection_clients: 'web' },
      'invalid_field: introspection_clients must be a list, found text',
    ],
    ['https://api.example', 'invalid_field: the resource must be an object'],
  ])('refused: %j', async (document, expected) => {
    expect(refusal(await createResource(house, { actor: cli, issuer }, document))).toBe(expected)
  })

  test('take an administrator', async () => {
    const editor = await makeUser(house, { username: 'editor' })
    expect(refusal(await createResource(house, { actor: asUser(editor, 'admin'), issuer }, api))).toBe(
      'forbidden: this takes an administrator',
    )
    expect(
      refusal(await changeResource(house, { actor: cli, issuer }, { resource: 'https://none.example', fields: {} })),
    ).toMatch(/^not_found/)
    expect(refusal(await deleteResource(house, cli, 'https://none.example'))).toMatch(/^not_found/)
  })
})
