import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { chromium } from 'playwright-core'
import type { Browser } from 'playwright-core'
import type { HttpResponse } from '../../src/protocol/http.ts'

export const chromiumPath = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium'

/** A test that needs a browser says so loudly where there is none; CI installs one. */
export const noBrowser = existsSync(chromiumPath) ? false : `no Chromium at ${chromiumPath}`

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

export type Site = { readonly origin: string; readonly stop: () => Promise<void> }

/** Serves answers on a loopback port of the kernel's choosing. */
export async function serve(answer: (request: IncomingMessage, body: string) => HttpResponse): Promise<Site> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { status, headers, body } = answer(request, Buffer.concat(chunks).toString())
      response.writeHead(status, headers.map(([name, value]) => [name, value]).flat())
      response.end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { origin: `http://127.0.0.1:${port}`, stop: () => stop(server) }
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
