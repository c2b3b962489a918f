import type { SiteLoginProvider } from '../config/provider.ts'
import type { UpstreamContext } from './context.ts'
import { explainFailure } from './explain-failure.ts'
import type { Finding } from './judge-metadata.ts'
import { siteLogin } from './site-login.ts'
import { readFailure } from './upstream-answer.ts'

const nobody = 'gatehouse-provider-check'

/** Asks a login API with a name and a password that nobody has: it must say that they are wrong, in the way that its entry says. */
export async function probeSiteLogin(
  context: Pick<UpstreamContext, 'outbound'>,
  provider: SiteLoginProvider,
): Promise<readonly Finding[]> {
  const given = { username: nobody, password: nobody, sessionLength: provider.sessionLengths[0] }
  const login = await siteLogin(context, provider, given)
  return [judge(provider, login), ...(await trySession(context, provider))]
}

function judge(provider: SiteLoginProvider, login: Awaited<ReturnType<typeof siteLogin>>): Finding {
  const fail = (detail: string): Finding => ({ status: 'fail', detail: `its login_endpoint: ${detail}` })
  switch (login.kind) {
    case 'wrong':
      return { status: 'ok', detail: 'its login_endpoint refuses a name that nobody has, as wrong' }
    case 'locked':
      return fail(
        `it tells a name that nobody has as a locked account; check locked_when and locked_statuses (${provider.lockedStatuses.join(', ')})`,
      )
    case 'done':
      return fail('it lets in a name that nobody has; do not use it')
    case 'unavailable': {
      const [, status] = /^status (\d{3})$/.exec(login.why) ?? []
      if (status === '200')
        return fail(
          'it answers a wrong password with 200 and nothing that can be read; say in wrong_when what that answer holds, or is it the address of a page?',
        )
      if (status === '404' || status === '405') return fail(`it is not there (status ${status}); check the address`)
      if (status === '400' || status === '415' || status === '422')
        return fail(`it does not understand the request (status ${status}); check login_request and login_fields`)
      if (status?.startsWith('4') === true)
        return fail(`it answers a wrong password with status ${status}; add it to wrong_statuses`)
      return fail(explainFailure(login))
    }
  }
}

/** Whose credential it is: of one that is made up, nobody's. */
async function trySession(
  context: Pick<UpstreamContext, 'outbound'>,
  provider: SiteLoginProvider,
): Promise<readonly Finding[]> {
  if (provider.sessionEndpoint === undefined) return []
  const fail = (detail: string): readonly Finding[] => [{ status: 'fail', detail: `its session_endpoint: ${detail}` }]
  try {
    const { status } = await context.outbound.fetch({
      url: provider.sessionEndpoint,
      headers: { authorization: `Bearer ${nobody}`, accept: 'application/json' },
      allowInsecure: provider.allowInsecure,
    })
    if (status === 200) return fail('it knows a credential that was made up; do not use it')
    if (status === 404 || status === 405) return fail(`it is not there (status ${status}); check the address`)
    return [{ status: 'ok', detail: `its session_endpoint refuses a made-up credential (status ${status})` }]
  } catch (error) {
    return fail(explainFailure(readFailure(error)))
  }
}
