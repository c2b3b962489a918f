import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import type { Fixture } from '../fixture.ts'

/**
 * The smallest sign-in page for the peer, on bare node:http: one form that signs in and consents at once, which is the
 * fewest requests oidc-provider can do it in. The password is compared, not hashed: hashing is out of both sides' figures.
 */
export const interaction = (provider: Provider, { administrator, people, resources, web }: Fixture) => {
  const passwords = new Map([administrator, ...people].map(({ username, password }) => [username, password]))
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const { uid, params } = await provider.interactionDetails(request, response)
      if (request.method !== 'POST') {
        const html = page(uid, String(params['scope']))
        response.writeHead(200, {
          'content-length': Buffer.byteLength(html),
          'content-type': 'text/html; charset=utf-8',
          'cache-control': 'no-store',
          'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        })
        response.end(html)
        return
      }
      const form = new URLSearchParams(await readBody(request))
      const username = form.get('username') ?? ''
      if (!passwords.has(username) || form.get('password') !== passwords.get(username)) {
        response.writeHead(403).end()
        return
      }
      const grant = new provider.Grant({ accountId: username, clientId: web.id })
      grant.addOIDCScope('openid offline_access')
      grant.addResourceScope(resources.opaque, resources.scope)
      const grantId = await grant.save()
      await provider.interactionFinished(request, response, {
        login: { accountId: username, amr: ['pwd'] },
        consent: { grantId },
      })
    } catch (error) {
      response.writeHead(500).end(String(error))
    }
  }
}

const page = (uid: string, scope: string): string =>
  `<!doctype html><html lang="en"><title>Sign in</title><form id="sign-in" method="post" action="/interaction/${uid}">` +
  `<label>Name <input name="username"></label><label>Password <input type="password" name="password"></label>` +
  `<p>The application asks for: ${scope.replaceAll(/[<&]/g, '')}</p><button>Sign in and allow</button></form></html>`

const readBody = async (request: IncomingMessage): Promise<string> => {
  let text = ''
  request.setEncoding('utf8')
  for await (const chunk of request) text += chunk as string
  return text
}
