import type { ChainHead, ChainItem } from './walk-chain.ts'

/** Format of an export, in its first line. */
export const exportFormat = 'gatehouse-events'

/** One line of an export: an event is its own members behind its id; what proves it stands between. */
export function printItem(item: ChainItem): string {
  return JSON.stringify(documentOf(item))
}

function documentOf(item: ChainItem): object {
  switch (item.is) {
    case 'begin':
      return {
        format: exportFormat,
        v: 1,
        instance_id: item.instanceId,
        exported_at: item.at,
        retention: item.retention,
      }
    case 'seal':
      return { seal: item.seal, entries: item.entries ?? null }
    case 'event':
      return eventDocument(String(item.id), item.event as object)
    case 'end':
      return { end: item.head }
    case 'unreadable':
      throw new TypeError('what could not be read is never exported')
  }
}

/** An event as it leaves the house, in an export and for a sink. */
export const eventDocument = (id: string, event: object): object => ({ id, ...event })

/** The items of an export, line by line. Nothing is believed: what isn't readable is an item that says so. */
export async function* readItems(lines: AsyncIterable<string>): AsyncGenerator<ChainItem> {
  let number = 0
  for await (const line of lines) {
    number += 1
    const where = `line ${number}`
    const document = parsed(line)
    if (document === undefined) yield { is: 'unreadable', where }
    else if (number === 1) {
      const { format, v, instance_id: instanceId, exported_at: at, retention } = document
      if (format === exportFormat && v === 1 && typeof at === 'number') yield { is: 'begin', instanceId, at, retention }
      else yield { is: 'unreadable', where }
    } else if ('seal' in document) yield { is: 'seal', seal: document['seal'], entries: document['entries'] }
    else if ('end' in document) yield { is: 'end', head: document['end'] as ChainHead | null }
    else {
      const { id, ...event } = document
      yield { is: 'event', id, event }
    }
  }
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
