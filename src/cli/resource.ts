import type { Command } from 'commander'
import { administrationVerb } from './administer.ts'
import { all, type Document } from './administration.ts'
import { CliFailure } from './failure.ts'
import type { Io } from './io.ts'
import { textOption } from './options.ts'
import { card, instant, table, type Answer } from './print.ts'

/** Adds `gatehouse resource`. */
export function registerResource(program: Command, io: Io): void {
  const resource = program
    .command('resource')
    .description('APIs that take access tokens; those of the configuration file are read-only here')

  administrationVerb(
    resource
      .command('create [identifier]')
      .description('make an API known by its URI')
      .option('--resource <uri>', 'the same as IDENTIFIER, by its name in the configuration file')
      .option('--name <text>', 'what people read on the consent page')
      .option('--scope <text>', 'the scopes that it understands, separated by spaces')
      .option('--held-scopes <scopes...>', 'those of its scopes that a person must hold to get them')
      .option('--scope-descriptions <scope=text...>', 'what people read on the consent page for a scope')
      .option('--format <format>', 'jwt, opaque or macaroon')
      .option('--ttl <seconds>', 'how long its access tokens live')
      .option('--claims <names...>', 'claims about the user that it gets')
      .option('--introspection-clients <ids...>', 'clients that may introspect its tokens'),
    io,
    async (administration, [given], options) => {
      const identifier = given ?? textOption(options, 'resource')
      if (identifier === undefined) throw new CliFailure('say the URI of the API', { exitCode: 2 })
      const ttl = textOption(options, 'ttl')
      if (ttl !== undefined && !/^\d{1,9}$/.test(ttl))
        throw new CliFailure('--ttl must be a number of seconds', { exitCode: 2 })
      const token = {
        ...(options['format'] !== undefined && { format: options['format'] }),
        ...(ttl !== undefined && { ttl: Number(ttl) }),
        ...(options['claims'] !== undefined && { claims: options['claims'] }),
      }
      return shown(
        await administration.createResource({
          resource: identifier,
          ...(options['name'] !== undefined && { resource_name: options['name'] }),
          ...(options['scope'] !== undefined && { scope: options['scope'] }),
          ...(options['heldScopes'] !== undefined && { held_scopes: options['heldScopes'] }),
          ...(options['scopeDescriptions'] !== undefined && {
            scope_descriptions: descriptionsOf(options['scopeDescriptions'] as readonly string[]),
          }),
          ...(Object.keys(token).length > 0 && { access_token: token }),
          ...(options['introspectionClients'] !== undefined && {
            introspection_clients: options['introspectionClients'],
          }),
        }),
      )
    },
  )

  administrationVerb(resource.command('list').description('every API'), io, async (administration) => {
    const resources = await all(administration.resources())
    return {
      json: { items: resources },
      text: table(resources.map(flat), ['resource', 'scope', 'format', 'ttl', 'managed_by', 'disabled']),
    }
  })

  administrationVerb(
    resource.command('show <identifier>').description('one API'),
    io,
    async (administration, [identifier = '']) => shown(await administration.resource(identifier)),
  )

  administrationVerb(
    resource.command('delete <identifier>').description('forget it; nobody gets tokens for it any more'),
    io,
    async (administration, [identifier = '']) => {
      await administration.deleteResource(identifier)
      return { json: { deleted: identifier }, text: `deleted ${identifier}\n` }
    },
  )
}

/** `notes:write=Write your notes` */
function descriptionsOf(said: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    said.map((one) => {
      const equals = one.indexOf('=')
      if (equals < 1) throw new CliFailure('--scope-descriptions takes <scope>=<text>', { exitCode: 2 })
      return [one.slice(0, equals), one.slice(equals + 1)]
    }),
  )
}

/** The members of `access_token` as columns of their own. */
function flat(document: Document): Document {
  const { access_token: token, created_at: createdAt, resource_id: _path, ...rest } = document
  return { ...rest, ...(typeof token === 'object' && token !== null ? token : {}), created_at: instant(createdAt) }
}

const shown = (document: Document): Answer => ({ json: document, text: card(flat(document)) })
