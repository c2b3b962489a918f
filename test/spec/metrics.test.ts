import { afterAll, beforeAll, expect, test } from 'vitest'
import { tokenRequest } from '../kit/flow.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'

let server: TestGatehouse

beforeAll(async () => {
  server = await startGatehouse()
})
afterAll(() => server.close())

test('metrics count how long commits take, and what was issued', async () => {
  await tokenRequest(server, await server.makeClient(), { grant_type: 'client_credentials' })
  const text = await server.metricsText()
  expect(text).toMatch(/gatehouse_store_commit_seconds_count [1-9]/)
  expect(text).toMatch(/client_credentials"} 1/)
})
