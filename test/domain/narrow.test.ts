import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chooseTarget, resourceInQuestion, scopeAllowedTo, type TargetInput } from '../../src/domain/narrow.ts'
import type { Resource } from '../../src/domain/resource.ts'
import { isRefusal } from '../../src/protocol/errors.ts'
import { start, user } from './fixtures.ts'

const issuer = 'https://as.example'
const api: Resource = {
  v: 1,
  resource: 'https://api.example',
  scope: ['read', 'write'],
  accessToken: { format: 'jwt', ttl: 900, claims: [] },
  introspectionClients: [],
  managedBy: 'administrator',
  disabled: false,
  createdAt: start,
  updatedAt: start,
}

const gated: Resource = { ...api, heldScopes: ['write'] }

function choose(changed: Partial<TargetInput>) {
  const target = chooseTarget({
    held: ['openid', 'read', 'write'],
    heldResources: [],
    scope: undefined,
    resources: [],
    issuer,
    resource: api,
    user: undefined,
    ...changed,
  })
  if (isRefusal(target)) return `${target.error}/${target.reason}`
  return `${target.resource?.resource ?? 'ourselves'}: ${target.scope.join(' ')}`
}

describe('chooseTarget', () => {
  const withApi = { heldResources: ['https://api.example'] }
  test.each<[string, Partial<TargetInput>, string]>([
    ['nothing asked, no resource', {}, 'ourselves: openid read write'],
    ['less scope', { scope: ['read'] }, 'ourselves: read'],
    ['C07: more scope', { scope: ['read', 'admin'] }, 'invalid_scope/scope_not_held'],
    ['the granted resource by default', withApi, 'https://api.example: read write'],
    [
      'a resource narrows to the scopes that it knows',
      { ...withApi, scope: ['openid', 'read'] },
      'https://api.example: read',
    ],
    [
      'OpenID clients may always come back to userinfo',
      { ...withApi, resources: [issuer] },
      'ourselves: openid read write',
    ],
    ['others may not', { ...withApi, held: ['read'], resources: [issuer] }, 'invalid_target/resource_not_held'],
    [
      'C08: a resource outside the grant',
      { ...withApi, resources: ['https://other.example'] },
      'invalid_target/resource_not_held',
    ],
    ['a resource that is gone', { ...withApi, resource: undefined }, 'invalid_target/unknown_resource'],
    [
      'a resource that is switched off',
      { ...withApi, resource: { ...api, disabled: true } },
      'invalid_target/unknown_resource',
    ],
    [
      'two resources at once',
      { ...withApi, resources: ['https://api.example', issuer] },
      'invalid_target/several_resources',
    ],
    [
      'a scope that the person must hold, and lacks',
      { ...withApi, resource: gated, user },
      'https://api.example: read',
    ],
    [
      'asked for by name with others',
      { ...withApi, resource: gated, user, scope: ['read', 'write'] },
      'https://api.example: read',
    ],
    [
      'asked for by name alone',
      { ...withApi, resource: gated, user, scope: ['write'] },
      'invalid_scope/scope_not_held',
    ],
    [
      'a scope that the person must hold, and holds',
      { ...withApi, resource: gated, user: { ...user, scopes: ['write'] } },
      'https://api.example: read write',
    ],
    [
      'of a client that acts for itself nobody must hold it',
      { ...withApi, resource: gated },
      'https://api.example: read write',
    ],
    ['scope that the resource does not know', { ...withApi, scope: ['openid'] }, 'invalid_scope/scope_not_of_resource'],
  ])('%s', (_, changed, expected) => {
    expect(choose(changed)).toBe(expected)
  })

  test('whatever is asked, scope never widens and the audience is one that is held', () => {
    const scope = fc.subarray(['openid', 'read', 'write', 'admin', 'x'])
    const resource = fc.constantFrom('https://api.example', 'https://other.example', issuer)
    fc.assert(
      fc.property(
        scope,
        fc.option(scope, { nil: undefined }),
        fc.uniqueArray(resource),
        fc.uniqueArray(resource),
        (held, asked, heldResources, resources) => {
          const question = { heldResources, resources, issuer }
          const named = resourceInQuestion(question)
          const target = chooseTarget({
            ...question,
            held,
            scope: asked,
            resource: named === undefined ? undefined : { ...api, resource: named, heldScopes: ['write'] },
            user,
          })
          if (isRefusal(target)) return
          for (const one of target.scope) expect(held).toContain(one)
          if (target.resource !== undefined) expect(target.scope).not.toContain('write')
          if (target.resource !== undefined) expect(heldResources).toContain(target.resource.resource)
        },
      ),
    )
  })
})

describe('scopeAllowedTo', () => {
  test.each([
    ['editor', 'admin', false],
    ['editor', 'read', true],
    ['admin', 'admin', true],
    ['admin', 'accounts:provision', false],
    ['superuser', 'accounts:provision', true],
  ] as const)('%s and %s: %s', (role, scope, allowed) => {
    expect(scopeAllowedTo({ ...user, role }, scope, undefined)).toBe(allowed)
  })

  test.each([
    ['nothing', [], 'read', true],
    ['nothing', [], 'write', false],
    ['write', ['write'], 'write', true],
    ['read', ['read'], 'write', false],
  ] as const)(
    'an account that holds %s and an API that has `write` held: %s %s → %s',
    (_held, scopes, scope, allowed) => {
      // No role stands for a scope of an API, so that a superuser's token reaches no further than it says.
      for (const role of ['editor', 'superuser'] as const)
        expect(scopeAllowedTo({ ...user, role, scopes }, scope, gated)).toBe(allowed)
      expect(scopeAllowedTo({ ...user, scopes }, scope, api)).toBe(true)
    },
  )
})
