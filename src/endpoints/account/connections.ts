import { allOf } from '../../api/nouns/all-of.ts'
import { connectionBelonging } from '../../api/nouns/connections.ts'
import { connectionList } from '../../pages/account/connection-list.ts'
import { ownerKey } from '../../domain/connection.ts'
import { ref } from '../../domain/record.ts'
import { recallsOf } from '../../domain/recall.ts'
import type { HttpResponse } from '../../protocol/http.ts'
import { isRefusal } from '../../protocol/errors.ts'
import { readAlive } from '../../store/read-alive.ts'
import { renewable } from '../../vault/renewable.ts'
import { startConnection } from '../../vault/start-connection.ts'
import { seeOther } from '../respond.ts'
import { oneself } from './oneself.ts'
import type { Asked, Mistake, Section } from './section.ts'

/** Other services whose tokens are kept for oneself. */
export const connectionsSection: Section = {
  id: 'connections',
  title: 'connections.title',
  summary: 'connections.summary',
  done: 'connections.ended',
  offered: ({ upstream }) => upstream.providers.size > 0,
  recent: () => false,
  async body({ core, form, signedIn: { user } }) {
    const connections = await allOf(connectionBelonging, core, user)
    const shown = connections.map(async (one) => {
      const client = one.client_id === null ? undefined : await core.directory.client(one.client_id)
      return {
        id: one.connection_id,
        provider: core.upstream.providers.get(one.provider)?.title ?? one.provider,
        account: one.account ?? '',
        client: client?.name ?? one.client_id ?? undefined,
        isBroken: one.state === 'needs_reauth',
        createdAt: one.created_at,
      }
    })
    return connectionList(form, await Promise.all(shown))
  },
  async act(asked, parameters) {
    const renew = parameters.get('renew')
    if (renew !== undefined) return connectAgain(asked, renew)
    const id = parameters.get('connection_id')
    if (id === undefined) return { says: 'account.problem' }
    // What is gone already, or never was his, looks the same afterwards.
    await connectionBelonging.end(asked.core, oneself(asked), id)
    return 'done'
  },
}

/** On to the page that asks before anything goes to the provider, as for any renewal. Somebody else's is the same as none (L13). */
async function connectAgain({ core, http, signedIn: { user } }: Asked, id: string): Promise<Mistake | HttpResponse> {
  const connection = await readAlive(core.transition.store, ref('connection', id), core.clock.seconds())
  const { owner, clientId } = connection ?? {}
  if (connection === undefined || owner?.kind !== 'user' || owner.userId !== user.userId) return notNow
  const found = await renewable(core, connection, clientId)
  if (isRefusal(found)) return notNow
  if ('retryAfterSeconds' in core.limits.reserve('connect-owned', [ownerKey(owner)])) return notNow
  const started = startConnection(core, found.provider, {
    owner,
    clientId,
    address: http.peer.address,
    scope: found.scope,
    returnTo: undefined,
    renews: id,
    recallsBefore: recallsOf(await core.directory.instance(), found.provider.name),
    onAccountPage: true,
  })
  return isRefusal(started) ? notNow : seeOther(started.connectUrl)
}

const notNow: Mistake = { says: 'connections.notNow' }
