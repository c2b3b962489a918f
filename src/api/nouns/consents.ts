import { z } from 'zod'
import { withdrawConsent } from '../../accounts/withdraw-consent.ts'
import { lifetimes } from '../../domain/lifetimes.ts'
import { printScope } from '../../protocol/scope.ts'
import { belongingOperations } from './belonging-operations.ts'
import type { Belonging } from './belongings.ts'
import { instant } from './user-shape.ts'

const consent = z
  .strictObject({
    client_id: z.string(),
    client_name: z.string().nullable(),
    scope: z.string(),
    resources: z.array(z.string()),
    claims: z.array(z.string()).meta({ description: 'Single claims agreed to beyond the scope (OIDC Core §5.5).' }),
    given_at: instant,
    expires_at: instant,
  })
  .meta({ id: 'Consent', description: 'What a person agreed to let a client do, and will not be asked again.' })

export const consentBelonging: Belonging<'consent', typeof consent> = {
  kind: 'consent',
  noun: 'consents',
  one: 'Consent',
  idName: 'client_id',
  idShape: z.string().regex(/^[A-Za-z0-9._~-]{1,128}$/),
  item: consent,
  example: {
    client_id: 'web',
    client_name: 'My web app',
    scope: 'openid profile',
    resources: [],
    claims: [],
    given_at: 1_795_000_000,
    expires_at: 1_826_536_000,
  },
  ending: 'Every grant of the client ends too; the next time it asks again.',
  recordId: (user, id) => `${user.userId}:${id}`,
  async show(context, user, record) {
    const found = record.value
    const client = await context.directory.client(found.clientId)
    // Whoever was bumped agreed in a life that is over.
    if (found.userId !== user.userId || found.epoch !== user.epoch || client === undefined || client.disabled)
      return undefined
    return {
      client_id: found.clientId,
      client_name: client.name ?? null,
      scope: printScope(found.scope),
      resources: [...found.resources],
      claims: [...found.claims],
      given_at: found.givenAt,
      expires_at: record.expiresAt ?? found.givenAt + lifetimes.consent,
    }
  },
  end: withdrawConsent,
}

export const consentOperations = belongingOperations(consentBelonging)
