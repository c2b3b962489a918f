import { z } from 'zod'
import { endGrant } from '../../accounts/end-grant.ts'
import { mintedClientId } from '../../accounts/minted-client.ts'
import { showToken } from '../../accounts/show-token.ts'
import { belongingOperations } from './belonging-operations.ts'
import type { Belonging } from './belongings.ts'
import { instant } from './user-shape.ts'

const token = z
  .strictObject({
    grant_id: z.string(),
    name: z.string().nullable(),
    format: z.enum(['jwt', 'opaque', 'macaroon']).nullable().meta({ description: 'null: not known of older ones.' }),
    scope: z.string(),
    resource: z.string().nullable().meta({ description: 'The API that it is for. null: this server.' }),
    created_at: instant,
    expires_at: instant,
  })
  .meta({ id: 'Token', description: 'A token for a script, made without a sign-in. The token itself was shown once.' })

/** Tokens for scripts: of the grants of an account those that nobody signed in for. */
export const tokenBelonging: Belonging<'grant', typeof token> = {
  kind: 'grant',
  noun: 'tokens',
  one: 'Token',
  idName: 'grant_id',
  idShape: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  item: token,
  example: {
    grant_id: '019b1a2f3c4d0KxGmZ8Tn3YbQw5RsE1uVh',
    name: 'nightly backup',
    format: 'opaque',
    scope: 'openid me',
    resource: null,
    created_at: 1_795_000_000,
    expires_at: 1_795_604_800,
  },
  ending: 'It is dead at once, whatever its format, wherever it is checked here; a JWT elsewhere at its `exp`.',
  recordId: (_user, id) => id,
  show: ({ directory }, user, record) => showToken(directory, user, record),
  end: (context, ending, id) =>
    endGrant(context, { ...ending, which: ({ clientId }) => clientId === mintedClientId }, id),
}

export const tokenOperations = belongingOperations(tokenBelonging)
