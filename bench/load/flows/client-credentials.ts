import { expectTokens } from '../expect.ts'
import type { Flow } from '../lane.ts'
import { basicAuthorization, postMessage } from '../message.ts'

/** One request: a token for a resource, by client_secret_basic. */
export const clientCredentials =
  (format: 'opaque' | 'jwt'): Flow =>
  async (lane) => {
    const { fixture, site } = lane
    const audience = fixture.resources[format]
    const message = postMessage(
      site.host,
      site.paths.token,
      { grant_type: 'client_credentials', resource: audience, scope: fixture.resources.scope },
      basicAuthorization(fixture.service),
    )
    return async () => {
      const reply = await lane.send(message, 200)
      if (lane.sampling()) expectTokens(reply.body, site, { format, audience })
    }
  }
