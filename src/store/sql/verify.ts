import { buckets } from '../../domain/bucket.ts'
import type { Dialect, RawLink } from './dialect.ts'
import type { Pooled } from './pool.ts'

const mostFindings = 20
const pageSize = 500

/** What is wrong with the records, in words. The server checks its own pages; this reads every record, from one snapshot. */
export async function verify<C extends Pooled>(
  connection: C,
  { raw, snapshot }: Dialect<C>,
): Promise<readonly string[]> {
  await snapshot(connection)
  const findings: string[] = []
  for (const look of [damagedRecords, strayLinks, damagedEvents]) {
    for await (const finding of look(connection, raw)) {
      findings.push(finding)
      if (findings.length === mostFindings) return findings
    }
  }
  if (!(await raw.feedIsSound(connection))) findings.push('the feed of changes has lost count')
  return findings
}

async function* damagedRecords<C extends Pooled>(connection: C, raw: Dialect<C>['raw']): AsyncGenerator<string> {
  const first = { kind: '', id: '', value: '', owners: '' }
  for await (const page of pages((last) => raw.records(connection, last, pageSize), first)) {
    const expected: RawLink[] = []
    for (const { kind, id, value, owners } of page) {
      const owned = parsed(owners)
      if (!isObject(parsed(value)) || !Array.isArray(owned)) yield `the ${kind} ${id} isn't what was written`
      else for (const owner of owned) expected.push({ kind, owner: String(owner), id })
    }
    for (const { kind, owner, id } of await raw.unlinked(connection, expected))
      yield `the ${kind} ${id} is missing in the list of ${owner}`
  }
}

async function* strayLinks<C extends Pooled>(connection: C, raw: Dialect<C>['raw']): AsyncGenerator<string> {
  const first = { kind: '', owner: '', id: '', owners: null as string | null }
  for await (const page of pages((last) => raw.links(connection, last, pageSize), first)) {
    for (const { kind, owner, id, owners } of page) {
      const owned = owners === null ? undefined : parsed(owners)
      if (!Array.isArray(owned) || !owned.includes(owner))
        yield `the list of ${owner} names the ${kind} ${id}, which isn't ${owner}'s`
    }
  }
}

async function* damagedEvents<C extends Pooled>(connection: C, raw: Dialect<C>['raw']): AsyncGenerator<string> {
  for (const bucket of buckets) {
    const first = { id: '', value: '' }
    for await (const page of pages(({ id }) => raw.events(connection, { bucket, after: id, limit: pageSize }), first)) {
      for (const { id, value } of page) if (!isObject(parsed(value))) yield `the event ${id} isn't what was written`
    }
  }
}

/** Page after page; each begins after the last row of the one before. */
async function* pages<T>(next: (last: T) => Promise<readonly T[]>, first: T): AsyncGenerator<readonly T[]> {
  for (let last = first; ;) {
    const page = await next(last)
    yield page
    const end = page.at(-1)
    if (end === undefined || page.length < pageSize) return
    last = end
  }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json) as unknown
  } catch {
    return undefined
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
