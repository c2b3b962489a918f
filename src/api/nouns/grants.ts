import { z } from 'zod'
import { endGrant } from '../../accounts/end-grant.ts'
import { epochOf } from '../../domain/epoch.ts'
import type { Grant } from '../../domain/grant.ts'
import type { EpochSeconds } from '../../protocol/time.ts'
import { printScope } from '../../protocol/scope.ts'
import { belongingOperations } from './belonging-operations.ts'
import type { Belonging } from './belongings.ts'
import { instant } from './user-shape.ts'

const grant = z
  .strictObject({
    grant_id: z.string(),
    client_id: z.string(),
    client_name: z.string().nullable(),
    scope: z.string(),
    resources: z.array(z.string()).meta({ description: 'APIs that it reaches. None: this server alone.' }),
    device_name: z.string().nullable(),
    created_at: instant,
    last_used_at: instant,
    expires_at: instant,
  })
  .meta({ id: 'Grant', description: 'What a client may do for a person, on one device: the root of its tokens.' })

export const grantBelonging: Belonging<'grant', typeof grant> = {
  kind: 'grant',
  noun: 'grants',
  one: 'Grant',
  idName: 'grant_id',
  idShape: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  item: grant,
  example: {
    grant_id: '019b1a2f3c4d0KxGmZ8Tn3YbQw5RsE1uVh',
    client_id: 'web',
    client_name: 'My web app',
    scope: 'openid profile offline_access',
    resources: [],
    device_name: 'Firefox on Linux',
    created_at: 1_795_000_000,
    last_used_at: 1_795_000_600,
    expires_at: 1_797_592_600,
  },
  ending: 'Every token that came of it is dead, the refresh token too.',
  recordId: (_user, id) => id,
  async show(context, user, record) {
    const found = record.value
    const client = await context.directory.client(found.clientId)
    const now = context.clock.seconds()
    const expiresAt = endOf(found, record.expiresAt)
    if (found.userId !== user.userId || client === undefined || client.disabled || !isInUse(found) || now >= expiresAt)
      return undefined
    if (found.epoch !== epochOf(await context.directory.instance(), user, client)) return undefined
    return {
      grant_id: record.id,
      client_id: found.clientId,
      client_name: client.name ?? null,
      scope: printScope(found.scope),
      resources: [...found.resources],
      device_name: found.deviceName ?? null,
      created_at: found.createdAt,
      last_used_at: found.refresh?.lastUsedAt ?? found.createdAt,
      expires_at: expiresAt,
    }
  },
  end: endGrant,
}

export const grantOperations = belongingOperations(grantBelonging)

/** Not ended, and not a code that nobody has redeemed yet. */
function isInUse({ revokedAt, code }: Grant): boolean {
  return revokedAt === undefined && (code === undefined || code.redeemedAt !== undefined)
}

function endOf({ refresh, createdAt }: Grant, recordExpiresAt: EpochSeconds | undefined): EpochSeconds {
  return refresh === undefined
    ? (recordExpiresAt ?? createdAt)
    : Math.min(refresh.idleExpiresAt, refresh.absoluteExpiresAt)
}
