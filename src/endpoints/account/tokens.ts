import { listResources } from '../../accounts/find-resource.ts'
import { mintToken } from '../../accounts/mint-token.ts'
import { allOf } from '../../api/nouns/all-of.ts'
import { wanted as wantedSchema } from '../../api/nouns/minted-tokens.ts'
import { tokenBelonging } from '../../api/nouns/tokens.ts'
import { tokenList } from '../../pages/account/token-list.ts'
import { tokenMadePage } from '../../pages/token-made-page.ts'
import type { HttpResponse } from '../../protocol/http.ts'
import type { Parameters } from '../../protocol/parameters.ts'
import { presentationFor } from '../presentation.ts'
import { oneself } from './oneself.ts'
import type { Asked, Mistake, Section } from './section.ts'

const day = 86_400
const lifetimes = [3_600, day, 7 * day, 31 * day, 91 * day, 366 * day] as const
/** More than anybody chooses from. */
const mostApis = 100

/** Tokens for scripts. Making one takes a sign-in of a moment ago; each is shown once. */
export const tokensSection: Section = {
  id: 'tokens',
  title: 'tokens.title',
  summary: 'tokens.summary',
  done: 'tokens.ended',
  recent: () => true,
  givesTokens: true,
  async body({ core, form, signedIn: { user } }, mistake) {
    const tokens = await allOf(tokenBelonging, core, user)
    const { typed } = mistake ?? {}
    return tokenList(form, {
      tokens: tokens.map((token) => ({
        id: token.grant_id,
        name: token.name ?? undefined,
        scope: token.scope.split(' ').filter((scope) => scope !== ''),
        resource: token.resource ?? undefined,
        createdAt: token.created_at,
        expiresAt: token.expires_at,
      })),
      apis: await apisOf(core),
      lifetimes,
      lifetime: 31 * day,
      typed: typed === undefined ? undefined : (name) => typed.get(name),
      wrong: mistake?.field,
    })
  },
  async act(asked, typed) {
    const grantId = typed.get('grant_id')
    if (grantId === undefined) return typed.get('make') === undefined ? { says: 'account.problem' } : make(asked, typed)
    // One that is gone already is what was wanted.
    await tokenBelonging.end(asked.core, oneself(asked), grantId)
    return 'done'
  },
}

async function apisOf(core: Asked['core']): Promise<readonly { readonly resource: string; readonly name?: string }[]> {
  const { resources } = await listResources(core, { limit: mostApis })
  return resources
    .filter(({ disabled }) => !disabled)
    .map(({ resource, name }) => ({ resource, ...(name !== undefined && { name }) }))
}

async function make(asked: Asked, typed: Parameters): Promise<HttpResponse | Mistake> {
  const { core, http, signedIn } = asked
  const scope = (typed.get('scope') ?? '').split(/\s+/).filter((one) => one !== '')
  const resource = typed.get('resource') ?? ''
  const ttl = Number(typed.get('ttl') ?? 31 * day)
  // The same words as over REST, judged by the same schema.
  const read = wantedSchema.safeParse({
    format: typed.get('format') ?? 'opaque',
    ttl: lifetimes.find((known) => known === ttl),
    name: typed.get('name') ?? '',
    ...(scope.length > 0 && { scope: scope.join(' ') }),
    ...(resource !== '' && { resource }),
  })
  if (!read.success) return { says: 'account.problem', field: String(read.error.issues[0]?.path[0]), typed }
  const { scope: _text, ...rest } = read.data
  const reserved = core.limits.reserve('own-token', [signedIn.user.userId])
  if ('retryAfterSeconds' in reserved) return { says: 'password.throttled', status: 429, typed }
  const { actor, userId, address } = oneself(asked)
  const made = await mintToken(
    core,
    { actor, userId, address, right: 'mint-own' },
    { ...rest, ...(scope.length > 0 && { scope: [...new Set(scope)] }) },
  )
  if ('refused' in made) {
    reserved.forgive()
    return { says: mistakes[made.refused.field ?? ''] ?? 'account.problem', field: made.refused.field, typed }
  }
  return tokenMadePage(presentationFor(core, http), made.done.token)
}

const mistakes: Readonly<Record<string, Mistake['says']>> = { ttl: 'tokens.jwtLong', scope: 'tokens.scopeBad' }
