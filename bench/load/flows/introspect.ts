import { expectActive } from '../expect.ts'
import type { Flow } from '../lane.ts'
import { basicAuthorization, postMessage } from '../message.ts'

const TOKENS_PER_LANE = 8

/** One request: introspection of a live token. Each lane turns through tokens of its own. */
export const introspect =
  (format: 'opaque' | 'jwt'): Flow =>
  async (lane) => {
    const { fixture, site } = lane
    const authorization = basicAuthorization(fixture.service)
    const issue = postMessage(
      site.host,
      site.paths.token,
      { grant_type: 'client_credentials', resource: fixture.resources[format], scope: fixture.resources.scope },
      authorization,
    )
    const messages: string[] = []
    for (let made = 0; made < TOKENS_PER_LANE; made++) {
      const { access_token: token } = JSON.parse((await lane.send(issue, 200)).body) as { access_token: string }
      messages.push(postMessage(site.host, site.paths.introspect, { token }, authorization))
    }
    let next = 0
    return async () => {
      const reply = await lane.send(messages[next++ % TOKENS_PER_LANE] ?? '', 200)
      if (lane.sampling()) expectActive(reply.body, { clientId: fixture.service.id, scope: fixture.resources.scope })
      else if (!reply.body.startsWith('{"active":true')) expectActive(reply.body, { clientId: '', scope: '' })
    }
  }
