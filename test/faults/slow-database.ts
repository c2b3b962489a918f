import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { quantile } from '../../bench/report/statistics.ts'
import { freePort } from '../kit/free-port.ts'
import { startPostgres } from '../kit/postgres.ts'
import { serve, type ServerProcess } from './ledger/server-process.ts'
import { onStage } from './ledger/stage.ts'
import { openWire, type Ask, type Wire } from './ledger/wire.ts'
import { asApp, basic, clients, jsonOf } from './ledger/world.ts'

type Token = { readonly path: string; readonly ask: Ask }

const tokenFor = (secret: string): Token => ({
  path: '/oauth/token',
  ask: { form: { grant_type: 'client_credentials' }, headers: { authorization: basic(clients.app, secret) } },
})

export type Storm = {
  /** Answers by status; `lost` and `unsent` while the nodes were gone. */
  readonly answers: Readonly<Record<string, number>>
  /** The most connections that the nodes had open at once, as the database saw it. */
  readonly mostConnections: number
  /** From the moment when the last node was ready again. */
  readonly firstServedMillis: number
  readonly lastServedMillis: number
  /** Answers of 503 that didn't say when to come again. */
  readonly rude: number
  readonly databaseSaid: string
}

const shareOfConnections = 5

/** FLT-13: three nodes on a database that lets twenty in are killed and start again together, while everybody wants a token and comes back until he has it. */
export async function storm(options: { readonly clients: number }): Promise<Storm> {
  const postgres = await startPostgres(['max_connections = 20'])
  const address = postgres.address('storm', `connections=${shareOfConnections}`)
  const watcher = new pg.Client({ host: '127.0.0.1', port: postgres.port, user: 'gatehouse', database: 'postgres' })
  await watcher.connect()
  const answers: Record<string, number> = {}
  let [mostConnections, rude, readyAt] = [0, 0, Infinity]
  const served: number[] = []
  const watch = { over: false }
  const watching = (async () => {
    while (!watch.over) {
      const { rows } = await watcher.query<{ open: number }>(
        "SELECT count(*)::int AS open FROM pg_stat_activity WHERE application_name = 'gatehouse'",
      )
      mostConnections = Math.max(mostConnections, rows[0]?.open ?? 0)
      await pause(5)
    }
  })()
  try {
    await onStage(
      { environment: () => ({ GATEHOUSE_STORE: address }), persons: 1 },
      async ({ world, place, start }) => {
        const environment = { ...place.environment, GATEHOUSE_ISSUER: world.issuer }
        const join = (port: number): Promise<ServerProcess> => serve({ ...place, port, environment })
        const first = await start()
        let nodes = [first, ...(await Promise.all([join(await freePort()), join(await freePort())]))]
        const opened = Promise.withResolvers<void>()
        const wires = nodes.map(({ port }) => openWire(port, new URL(world.issuer).host))
        const { path, ask } = tokenFor(world.appSecret)
        const everybody = Array.from({ length: options.clients }, async (_, index) => {
          await pause(index % 1_000)
          for (;;) {
            const reply = await (wires[index % wires.length] as Wire).ask(path, ask)
            const what = 'status' in reply ? String(reply.status) : 'lost' in reply ? 'lost' : 'unsent'
            answers[what] = (answers[what] ?? 0) + 1
            // Whoever was served before the storm comes once more.
            if (what === '200' && performance.now() > readyAt) return served.push(performance.now() - readyAt)
            // Nobody is there: everybody stands before the door when it opens.
            if (what === 'unsent') await opened.promise
            const after = 'status' in reply ? Number(reply.headers['retry-after']) : 0
            if (what === '503' && !(after > 0)) rude += 1
            await pause(1_000 * (after || 0.2 + (index % 10) / 10))
          }
        })
        await pause(1_500)
        for (const node of nodes) node.kill('SIGKILL')
        await Promise.all(nodes.map(({ exited }) => exited))
        nodes = await Promise.all(nodes.map(({ port }) => join(port)))
        readyAt = performance.now()
        opened.resolve()
        await Promise.all(everybody)
        for (const wire of wires) wire.close()
        for (const node of nodes) node.kill('SIGTERM')
        await Promise.all(nodes.map(({ exited }) => exited))
      },
    )
  } finally {
    watch.over = true
    await watching
    await watcher.end()
    await postgres.stop()
  }
  const databaseSaid = postgres.said()
  return {
    answers,
    mostConnections,
    firstServedMillis: Math.min(...served),
    lastServedMillis: Math.max(...served),
    rude,
    databaseSaid,
  }
}

export type Slowness = {
  readonly answers: Readonly<Record<string, number>>
  /** The longest that anybody waited for a token. */
  readonly longestMillis: number
  /** The 99th percentile of what needs no write, before the database was slow, and meanwhile. */
  readonly before: Readonly<Record<string, number>>
  readonly meanwhile: Readonly<Record<string, number>>
  /** How often a live token was said to be none. */
  readonly denied: number
}

const dozing = `CREATE FUNCTION slow.sleeps() RETURNS boolean LANGUAGE plpgsql AS
    $$ BEGIN IF random() < 1.0 / 3 THEN PERFORM pg_sleep(10); END IF; RETURN true; END $$;
  CREATE FUNCTION slow.doze() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM slow.sleeps(); RETURN NULL; END $$;`

/** What sleeps for ten seconds one time in three: a statement that writes events; or whatever reads or writes any table. */
const slow = {
  'event writes': `${dozing} CREATE TRIGGER doze BEFORE INSERT ON slow.event FOR EACH STATEMENT EXECUTE FUNCTION slow.doze()`,
  // In a subquery it is asked once for each statement, not for each row.
  'all statements': `${dozing} GRANT USAGE ON SCHEMA slow TO plain; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA slow TO plain;
    DO $$ DECLARE one name; BEGIN
      FOR one IN SELECT tablename FROM pg_tables WHERE schemaname = 'slow' LOOP
        EXECUTE format('ALTER TABLE slow.%I ENABLE ROW LEVEL SECURITY; ALTER TABLE slow.%1$I FORCE ROW LEVEL SECURITY;'
          'CREATE POLICY doze ON slow.%1$I USING ((SELECT slow.sleeps()))', one);
      END LOOP; END $$`,
} as const

/** FLT-14: part of what the database is asked sleeps, while 64 clients want tokens. */
export async function slowness(options: {
  readonly millis: number
  readonly asleep: keyof typeof slow
}): Promise<Slowness> {
  const postgres = await startPostgres()
  const ruler = new pg.Client({ host: '127.0.0.1', port: postgres.port, user: 'gatehouse', database: 'postgres' })
  await ruler.connect()
  // Policies are for those who aren't above them.
  await ruler.query('CREATE ROLE plain LOGIN; GRANT CREATE ON DATABASE postgres TO plain')
  const address = postgres.address('slow').replace('gatehouse@', 'plain@')
  const answers: Record<string, number> = {}
  let denied = 0
  let longestMillis = 0
  let before: Readonly<Record<string, number>> = {}
  let meanwhile: Readonly<Record<string, number>> = {}
  try {
    await onStage({ environment: () => ({ GATEHOUSE_STORE: address }), persons: 1 }, async ({ world, start }) => {
      await start()
      const { path, ask } = tokenFor(world.appSecret)
      const made = await asApp(world, 'token', path, { grant_type: 'client_credentials' })
      if (made.is !== 'done') throw new Error('no token')
      const token = String(jsonOf(made.value)['access_token'])
      const onDenied = () => void (denied += 1)
      const looking = { wire: world.wire, token, ask, millis: options.millis, onDenied }
      before = await lookOn(looking)
      await ruler.query(slow[options.asleep])
      const going = { on: true }
      const load = Array.from({ length: 64 }, async () => {
        while (going.on) {
          const since = performance.now()
          const reply = await world.wire.ask(path, ask)
          longestMillis = Math.max(longestMillis, performance.now() - since)
          const what = 'status' in reply ? String(reply.status) : 'lost'
          answers[what] = (answers[what] ?? 0) + 1
          // Nobody who is told to come back later comes back at once.
          if (what === '503') await pause(500)
        }
      })
      await pause(500)
      meanwhile = await lookOn(looking)
      going.on = false
      await Promise.all(load)
    })
  } finally {
    await ruler.end()
    await postgres.stop()
  }
  return { answers, longestMillis, before, meanwhile, denied }
}

async function lookOn({
  wire,
  token,
  ask: { headers },
  millis,
  onDenied,
}: {
  readonly wire: Wire
  readonly token: string
  readonly ask: Ask
  readonly millis: number
  readonly onDenied: () => void
}): Promise<Readonly<Record<string, number>>> {
  const asks: Readonly<Record<string, () => ReturnType<Wire['ask']>>> = {
    keys: () => wire.ask('/.well-known/jwks.json'),
    discovery: () => wire.ask('/.well-known/openid-configuration'),
    introspection: () => wire.ask('/oauth/introspect', { form: { token }, ...(headers && { headers }) }),
  }
  const took: Record<string, number[]> = {}
  const until = performance.now() + millis
  // Each by itself: what waits for the database keeps nobody else.
  await Promise.all(
    Object.entries(asks).map(async ([what, ask]) => {
      const all = (took[what] = [] as number[])
      while (performance.now() < until) {
        const since = performance.now()
        const reply = await ask()
        const isDenied = 'status' in reply && reply.text.includes('"active":false')
        if (isDenied) onDenied()
        const good = 'status' in reply && reply.status === 200 && !isDenied
        all.push(good ? performance.now() - since : Infinity)
        await pause(5)
      }
    }),
  )
  return Object.fromEntries(Object.entries(took).map(([what, all]) => [what, Math.round(quantile(all, 0.99))]))
}
