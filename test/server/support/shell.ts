import { createMetrics } from '../../../src/server/metrics.ts'
import { createLog, type LogLevel } from '../../../src/server/log.ts'
import { createShell, type Shell, type ShellOptions } from '../../../src/server/http.ts'
import { createSystem } from '../../../src/server/system.ts'
import type { Route } from '../../../src/server/route.ts'
import type { ErrorPage } from '../../../src/server/shell-error.ts'

export type TestShell = {
  readonly shell: Shell
  readonly port: number
  readonly origin: string
  readonly metrics: ReturnType<typeof createMetrics>
  /** Log lines so far, as they were written. */
  readonly lines: () => readonly string[]
}

export const errorPage: ErrorPage = ({ status, error, description, reference }) => ({
  status,
  headers: [
    ['content-type', 'text/html; charset=utf-8'],
    ['cache-control', 'no-store'],
  ],
  body: `<div id="error" data-error="${error}">${description} ${reference ?? ''}</div>`,
})

/** A listening shell on a port of its own. The caller closes it. */
export async function startShell(
  routes: readonly Route[],
  options: Partial<Pick<ShellOptions, 'timeouts' | 'connectionLimits'>> & {
    readonly issuer?: string
    readonly trustedProxies?: readonly string[]
    readonly extraHosts?: readonly string[]
    readonly host?: string
    readonly level?: LogLevel
  } = {},
): Promise<TestShell> {
  const written: string[] = []
  const system = createSystem()
  const metrics = createMetrics()
  const shell = createShell({
    routes,
    config: {
      issuer: options.issuer ?? 'http://localhost:8080',
      trustedProxies: options.trustedProxies ?? [],
      listen: { host: options.host ?? '127.0.0.1', port: 0 },
      ...(options.extraHosts === undefined ? {} : { extraHosts: options.extraHosts }),
    },
    system,
    log: createLog({
      level: options.level ?? 'debug',
      clock: system.clock,
      destination: { write: (line) => void written.push(line) },
    }),
    metrics,
    errorPage,
    ...(options.timeouts === undefined ? {} : { timeouts: options.timeouts }),
    ...(options.connectionLimits === undefined ? {} : { connectionLimits: options.connectionLimits }),
  })
  const { port } = await shell.listen()
  return { shell, port, origin: `http://127.0.0.1:${port}`, metrics, lines: () => written }
}
