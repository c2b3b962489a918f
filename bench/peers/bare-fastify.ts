import { parse } from 'node:querystring'
import { fastify } from 'fastify'

/** The floor: Fastify that parses a form and answers a token-sized JSON, and does nothing else. Argument: port. */
const [port = ''] = process.argv.slice(2)
const issuer = `http://localhost:${port}`
const app = fastify()

app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
  done(null, parse(String(body)))
})
app.post('/token', async (request, reply) => {
  const { scope } = request.body as { scope: string }
  reply.header('cache-control', 'no-store')
  return { access_token: 'x'.repeat(200), token_type: 'Bearer', expires_in: 900, scope }
})
app.get('/jwks', async () => ({ keys: [] }))
app.get('/.well-known/openid-configuration', async () => ({
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  introspection_endpoint: `${issuer}/introspect`,
  jwks_uri: `${issuer}/jwks`,
}))

await app.listen({ host: '127.0.0.1', port: Number(port) })
