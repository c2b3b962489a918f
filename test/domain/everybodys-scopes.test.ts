import { expect, test } from 'vitest'
import { everybodysScopes } from '../../src/domain/everybodys-scopes.ts'

const api = (resource: string, scope: string, heldScopes?: readonly string[], disabled = false) => ({
  resource,
  scope: scope.split(' '),
  disabled,
  ...(heldScopes !== undefined && { heldScopes }),
})

test.each([
  ['one that an account was given', [api('a', 'read curate')], ['curate'], [{ resource: 'a', scope: 'curate' }]],
  ['not where the API has people hold it', [api('a', 'read curate', ['curate'])], ['curate'], []],
  ['nor where nobody was given it', [api('a', 'read curate')], ['other'], []],
  [
    'one that another API has people hold',
    [api('a', 'read curate', ['curate']), api('b', 'curate')],
    [],
    [{ resource: 'b', scope: 'curate' }],
  ],
  ['nothing of an API that is switched off', [api('a', 'curate', [], true)], ['curate'], []],
  ['nor what it alone has people hold', [api('a', 'curate', ['curate'], true), api('b', 'curate')], [], []],
])('scopes that an API gives to everybody: %s', (_, resources, given, expected) => {
  expect(everybodysScopes(resources, new Set(given))).toEqual(expected)
})
