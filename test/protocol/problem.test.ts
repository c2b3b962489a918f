import { expect, test } from 'vitest'
import { printProblem, problem } from '../../src/protocol/problem.ts'

test('RFC 9457 §3: status, type and title from the code, detail and field where there are any', () => {
  expect(problem('managed_by_file')).toEqual({
    type: 'urn:gatehouse:problem:managed_by_file',
    title: 'The entry comes from the configuration file and is changed there',
    status: 409,
    code: 'managed_by_file',
  })
  const response = printProblem(problem('invalid_field', { detail: 'username is taken', field: 'username' }))
  expect(response.status).toBe(400)
  expect(response.headers).toContainEqual(['content-type', 'application/problem+json'])
  expect(response.headers).toContainEqual(['cache-control', 'no-store'])
  expect(JSON.parse(String(response.body))).toMatchObject({
    status: 400,
    code: 'invalid_field',
    detail: 'username is taken',
    field: 'username',
  })
})
