import { expectTokens } from '../expect.ts'
import type { Flow } from '../lane.ts'
import { basicAuthorization, postMessage } from '../message.ts'
import { signInOnce } from './code.ts'

/** One request: each lane keeps a family of its own and always sends the last token it got. */
export const refresh: Flow = async (lane) => {
  const { fixture, site } = lane
  const authorization = basicAuthorization(fixture.web)
  let { refresh_token: token } = (await signInOnce(lane)).tokens
  return async () => {
    const form = { grant_type: 'refresh_token', refresh_token: token }
    const { body } = await lane.send(postMessage(site.host, site.paths.token, form, authorization), 200)
    const next = (JSON.parse(body) as { refresh_token: string }).refresh_token
    if (next === token) throw new Error('the refresh token was not rotated')
    token = next
    if (lane.sampling()) {
      expectTokens(body, site, {
        format: 'opaque',
        audience: fixture.resources.opaque,
        idTokenFor: fixture.web.id,
        refresh: true,
      })
    }
  }
}
