import type { HttpResponse } from '../protocol/http.ts'
import type { Clock } from '../protocol/time.ts'
import type { Route } from './route.ts'

const askAgainMillis = 250
const patienceMillis = 1_000

export type HealthOptions = {
  readonly clock: Pick<Clock, 'monotonic'>
  /** Rejects if the store doesn't answer. */
  readonly ping: () => Promise<void>
  /** Whether every ring has a key to work with. */
  readonly keysReady: () => boolean
}

export type Health = {
  readonly routes: readonly Route[]
  /** Not ready from now on, and for good. */
  readonly stop: () => void
}

/**
 * `/healthz`: the process answers; restart it if not. `/readyz`: it can serve; send it nobody if not. Neither says more than a word
 * about what is missing, and strangers who ask often don't make the store work: its answer counts for a quarter of a second.
 */
export function createHealth({ clock, ping, keysReady }: HealthOptions): Health {
  let stopping = false
  let asked: { readonly at: number; readonly store: Promise<boolean> } | undefined

  function storeAnswers(): Promise<boolean> {
    const now = clock.monotonic()
    if (asked === undefined || now - asked.at >= askAgainMillis) asked = { at: now, store: withinPatience(ping) }
    return asked.store
  }

  async function readiness(): Promise<HttpResponse> {
    if (!(await storeAnswers())) return notReady('store')
    if (!keysReady()) return notReady('keys')
    // Last, since it may have begun to stop while the store was asked.
    return stopping ? notReady('stopping') : plain(200, 'ready\n')
  }

  const operator = {
    method: 'GET',
    kind: 'none',
    access: 'operator',
    priority: 'vital',
    head: true,
    anyHost: true,
  } as const
  return {
    routes: [
      { ...operator, path: '/healthz', endpoint: () => plain(200, 'alive\n') },
      { ...operator, path: '/readyz', endpoint: readiness },
    ],
    stop: () => {
      stopping = true
    },
  }
}

async function withinPatience(ping: () => Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), patienceMillis)
  })
  try {
    return await Promise.race([ping().then(() => true), late])
  } catch {
    return false
  } finally {
    clearTimeout(timer)
  }
}

function notReady(missing: 'stopping' | 'store' | 'keys'): HttpResponse {
  return plain(503, `not ready: ${missing}\n`, missing === 'stopping' ? [] : [['retry-after', '1']])
}

function plain(status: number, body: string, more: HttpResponse['headers'] = []): HttpResponse {
  return {
    status,
    headers: [...more, ['content-type', 'text/plain; charset=utf-8'], ['cache-control', 'no-store']],
    body,
  }
}
