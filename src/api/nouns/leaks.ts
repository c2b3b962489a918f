import { z } from 'zod'
import { actorName } from '../../accounts/permit.ts'
import { reportLeak } from '../../accounts/report-leak.ts'
import { problem } from '../../protocol/problem.ts'
import { longestMacaroon } from '../../tokens/token-text.ts'
import { endLeakedHandle } from '../../vault/end-leaked-handle.ts'
import { operation, type Operation } from '../operation.ts'
import { leakReporter } from '../policy.ts'

/** A text that may be a token of ours: none is longer. */
export const tokenText = z.string().min(1).max(longestMacaroon)

const report = z
  .strictObject({
    tokens: z.array(tokenText).min(1).max(100).meta({
      description: 'Texts that look like tokens of this server, as they were found.',
    }),
    source: z
      .url()
      .max(1_024)
      .exactOptional()
      .meta({ description: 'Where they were found. Stands in the audit events.' }),
  })
  .meta({ id: 'LeakReport', description: 'Tokens that somebody found where others can read them.' })

const receipt = z
  .strictObject({ received: z.int().min(0) })
  .meta({ id: 'LeakReceipt', description: 'The same whether any of them was a token.' })

const tooMany = problem('rate_limited', { detail: 'too many reports: wait before the next one' })

export const leakOperations: readonly Operation[] = [
  operation({
    method: 'POST',
    path: '/api/v1/leaked-tokens',
    id: 'reportLeakedTokens',
    tag: 'Accounts',
    summary: 'Report tokens that leaked',
    description:
      'For programs that look for secrets in places that everybody can read; ours begin with `gth_` and carry a checksum. Those that hold end at once: a refresh token, or a token for a script, with all that came of its grant; another access token alone; a handle of the vault with its connection. The person whose account it is gets a letter. The answer says nothing about any of them.',
    policy: leakReporter,
    body: report,
    bodyLimit: 1_048_576,
    answer: { status: 200, schema: receipt },
    example: {
      body: { tokens: ['gth_at_…'], source: 'https://git.example/ada/scripts/blob/main/backup.sh' },
      answer: { received: 1 },
    },
    async perform({ context, caller, body, address }) {
      const reserved = context.limits.reserve('leak-report', [actorName(caller.actor)])
      if ('retryAfterSeconds' in reserved) return { refused: tooMany, retryAfter: reserved.retryAfterSeconds }
      const about = { actor: caller.actor, address, ...(body.source !== undefined && { source: body.source }) }
      for (const text of new Set(body.tokens)) {
        const end = text.startsWith('gth_vh_') ? endLeakedHandle : reportLeak
        await end(context, { text, ...about })
      }
      return { done: { received: body.tokens.length } }
    },
  }),
]
