// Serves the files of a single-page app, and nothing else: all that happens, happens in the browser.
// Started by `npm run example:spa`; ISSUER, API and PORT come from there.
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'

const {
  ISSUER: issuer = 'http://localhost:8080',
  API: api = 'http://127.0.0.1:3001',
  PORT: port = '3002',
} = process.env

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const files: Readonly<Record<string, { readonly path: string; readonly type: string }>> = {
  '/': { path: here('public/index.html'), type: 'text/html; charset=utf-8' },
  // Where Gatehouse sends the browser back to: the same page, which finds the code in its address.
  '/callback': { path: here('public/index.html'), type: 'text/html; charset=utf-8' },
  '/app.js': { path: here('public/app.js'), type: 'text/javascript' },
  '/style.css': { path: here('../web-app/public/style.css'), type: 'text/css' },
  '/icon.svg': { path: here('../web-app/public/icon.svg'), type: 'image/svg+xml' },
  '/oidc-client-ts.js': {
    path: fileURLToPath(new URL('../browser/oidc-client-ts.min.js', import.meta.resolve('oidc-client-ts'))),
    type: 'text/javascript',
  },
}

// The tokens are within reach of every script of this page, so none may come from elsewhere, and none may send them elsewhere.
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  `connect-src 'self' ${issuer} ${api}`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

createServer((request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost')
  response.setHeader('content-security-policy', policy)
  response.setHeader('referrer-policy', 'no-referrer')
  response.setHeader('x-content-type-options', 'nosniff')
  const file = Object.hasOwn(files, pathname) ? files[pathname] : undefined
  if (pathname === '/settings.json') {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ issuer, api }))
  } else if (file === undefined) {
    response.writeHead(404).end()
  } else {
    readFile(file.path).then(
      (text) => response.setHeader('content-type', file.type).end(text),
      () => response.writeHead(500).end(),
    )
  }
}).listen(Number(port), '127.0.0.1')
