import type { Command } from 'commander'
import { administrationVerb } from './administer.ts'
import type { Document } from './administration.ts'
import { registerEventsChain } from './events-chain.ts'
import { CliFailure } from './failure.ts'
import type { Io } from './io.ts'
import { textOption } from './options.ts'
import { instant, table } from './print.ts'

/** Adds `gatehouse events`. */
export function registerEvents(program: Command, io: Io): void {
  const events = program.command('events').description('the audit events: who did what, when, from where')

  administrationVerb(
    events
      .command('list')
      .description('the newest, oldest first')
      .option('--limit <number>', 'how many', '50')
      .option('--type <type>', 'of one type alone, such as client.created')
      .option('--user <id>', 'about one account alone')
      .option('--client <id>', 'about one client alone'),
    io,
    async (administration, _args, options) => {
      const limit = textOption(options, 'limit') ?? ''
      if (!/^[1-9]\d{0,5}$/.test(limit))
        throw new CliFailure('--limit must be a number from 1 to 999999', { exitCode: 2 })
      const filter = Object.fromEntries(
        ['type', 'user', 'client'].flatMap((name) => {
          const wanted = textOption(options, name)
          return wanted === undefined ? [] : [[name, wanted]]
        }),
      )
      const newest: Document[] = []
      for await (const event of administration.events(filter)) if (newest.push(event) > Number(limit)) newest.shift()
      const rows = newest.map((event) => ({
        time: instant(event['at']),
        type: event['type'],
        user: event['user_id'],
        client: event['client_id'],
        target: event['target'],
        by: event['actor'],
        from: event['address'],
        reason: event['reason'],
      }))
      return {
        json: { items: newest },
        text: table(rows, ['time', 'type', 'user', 'client', 'target', 'by', 'from', 'reason']),
      }
    },
  )

  registerEventsChain(events, io)
}
