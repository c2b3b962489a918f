import { expect, test } from 'vitest'
import { createBrowser } from '../kit/browser.ts'
import { startGatehouse } from '../kit/gatehouse.ts'
import { attack, inTurn } from './support.ts'

test('M08 first-admin: nobody becomes one by asking, neither on a server without a single account nor later', async () => {
  const server = await startGatehouse()
  try {
    const house = { server, app: await server.makeClient() }
    const wanted = JSON.stringify({ username: 'mallory', password: 'a heron over 7 canals', role: 'superuser' })
    const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: wanted }
    const ask = (path: string) => createBrowser(server.url).ask(path, post)
    const setUps = ['/setup', '/install', '/init', '/admin', '/api/v1/setup', '/api/v1/init', '/api/v1/rekey']
    for (const made of ['nobody', 'somebody']) {
      const answers = await attack(house, () => inTurn(setUps, ask))
      expect(
        answers.map(({ status }) => status),
        made,
      ).toEqual(setUps.map(() => 404))
      expect((await attack(house, () => ask('/api/v1/users'))).status, made).toBe(401)
      // Registration is closed unless somebody opened it, and makes editors at most.
      expect((await attack(house, () => ask('/api/v1/register'))).status, made).toBeGreaterThanOrEqual(400)
      if (made === 'nobody') await server.makeUser('ada')
    }
  } finally {
    await server.close()
  }
})
