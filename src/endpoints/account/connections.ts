import { allOf } from '../../api/nouns/all-of.ts'
import { connectionBelonging } from '../../api/nouns/connections.ts'
import { connectionList } from '../../pages/account/connection-list.ts'
import { oneself } from './oneself.ts'
import type { Section } from './section.ts'

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
        account: one.account,
        client: client?.name ?? one.client_id ?? undefined,
        isBroken: one.state === 'needs_reauth',
        createdAt: one.created_at,
      }
    })
    return connectionList(form, await Promise.all(shown))
  },
  async act(asked, parameters) {
    const id = parameters.get('connection_id')
    if (id === undefined) return { says: 'account.problem' }
    // What is gone already, or never was his, looks the same afterwards.
    await connectionBelonging.end(asked.core, oneself(asked), id)
    return 'done'
  },
}
