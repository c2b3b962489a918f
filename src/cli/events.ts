import type { Command } from 'commander'
import type { AuditEvent } from '../domain/event.ts'
import { registerEventsChain } from './events-chain.ts'
import { CliFailure } from './failure.ts'
import type { Io } from './io.ts'
import { localVerb } from './local-verb.ts'
import { textOption } from './options.ts'
import { instant, table } from './print.ts'

/** Adds `gatehouse events`. */
export function registerEvents(program: Command, io: Io): void {
  const events = program.command('events').description('the audit events: who did what, when, from where')

  localVerb(
    events
      .command('list')
      .description('the newest, oldest first')
      .option('--limit <number>', 'how many', '50')
      .option('--type <type>', 'of one type alone, such as client.created')
      .option('--user <id>', 'about one account alone')
      .option('--client <id>', 'about one client alone'),
    { io },
    async (local, _args, options) => {
      const limit = textOption(options, 'limit') ?? ''
      if (!/^[1-9]\d{0,5}$/.test(limit))
        throw new CliFailure('--limit must be a number from 1 to 999999', { exitCode: 2 })
      const [type, userId, clientId] = ['type', 'user', 'client'].map((name) => textOption(options, name))
      const newest: (AuditEvent & { readonly id: string })[] = []
      // Ids begin with time, so the order of a scan is the order of time.
      for await (const { id, value } of local.admin.scan('event')) {
        const event = value as AuditEvent
        const wanted =
          (type === undefined || event.type === type) &&
          (userId === undefined || event.userId === userId) &&
          (clientId === undefined || event.clientId === clientId)
        if (wanted && newest.push({ id, ...event }) > Number(limit)) newest.shift()
      }
      const rows = newest.map((event) => ({
        time: instant(event.at),
        type: event.type,
        user: event.userId,
        client: event.clientId,
        target: event.target,
        by: event.actor,
        from: event.address,
        reason: event.reason,
      }))
      return {
        json: { items: newest },
        text: table(rows, ['time', 'type', 'user', 'client', 'target', 'by', 'from', 'reason']),
      }
    },
  )

  registerEventsChain(events, io)
}
