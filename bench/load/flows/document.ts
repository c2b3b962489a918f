import type { Flow } from '../lane.ts'
import { getMessage } from '../message.ts'
import { discoveryPath, type Site } from '../site.ts'

/** One request: a public document whose bytes stay the same. */
const document =
  (path: (site: Site) => string): Flow =>
  async (lane) => {
    const message = getMessage(lane.site.host, path(lane.site))
    const first = (await lane.send(message, 200)).body
    JSON.parse(first)
    return async () => {
      const { body } = await lane.send(message, 200)
      if (body !== first) throw new Error(`${path(lane.site)} changed under load`)
    }
  }

export const jwks = document((site) => site.paths.jwks)
export const discovery = document(() => discoveryPath)
