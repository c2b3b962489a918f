import type { Flow } from '../lane.ts'
import { basicAuthorization, postMessage } from '../message.ts'

/** One request: the same bytes as client-credentials, to a server that only parses and answers. */
export const barePost: Flow = async (lane) => {
  const { fixture, site } = lane
  const form = {
    grant_type: 'client_credentials',
    resource: fixture.resources.opaque,
    scope: fixture.resources.scope,
  }
  const message = postMessage(site.host, site.paths.token, form, basicAuthorization(fixture.service))
  return async () => {
    await lane.send(message, 200)
  }
}
