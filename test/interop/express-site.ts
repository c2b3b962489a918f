import type { AddressInfo } from 'node:net'
import type { Express } from 'express'
import { createBrowser, type Answer, type Browser } from '../kit/browser.ts'
import { authorize } from '../kit/flow.ts'
import type { TestGatehouse } from '../kit/gatehouse.ts'

/** An Express application on a loopback port. Its origin is known before its routes are, since a library wants to be told. */
export type Site = { readonly origin: string; readonly close: () => Promise<void> }

export async function openSite(app: Express): Promise<Site> {
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** One person with one browser, which keeps the cookies of the application and of Gatehouse apart. */
export type Visitor = { readonly atSite: Browser; readonly atServer: Browser }

export function newVisitor(server: TestGatehouse, site: Site): Visitor {
  return { atSite: createBrowser(site.origin), atServer: createBrowser(server.url) }
}

/** From a page of the application that wants a sign-in to the answer of its callback. */
export async function signInAt(
  server: TestGatehouse,
  visitor: Visitor,
  path: string,
  username: string,
): Promise<Answer> {
  const away = await visitor.atSite.ask(path)
  if (away.location === undefined) throw new Error(`${path} doesn't lead to the sign-in: ${away.status} ${away.text}`)
  const back = await authorize(server, visitor.atServer, away.location, username)
  return visitor.atSite.ask(back.href)
}
