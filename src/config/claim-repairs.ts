import type { ClaimRepair, Provider } from './provider.ts'
import type { ProviderDescription, ProviderEntry } from './provider-entry.ts'

type Entry = ProviderDescription & Pick<ProviderEntry, 'preset'>

/**
 * The repairs of an entry, and those that go without saying: ids may be numbers, and of a list of addresses the primary one counts,
 * verified or not.
 */
export function claimRepairs(entry: Entry): Provider['claims'] {
  const { subject, claims = {} } = entry
  const id =
    entry.preset === 'site-login' ? entry.subject_claim : subject?.from === 'userinfo' ? subject.claim : undefined
  const said = Object.entries(claims).map(([name, { at, find, as }]): [string, ClaimRepair] => [
    name,
    {
      ...(at !== undefined && { at: typeof at === 'string' ? [at] : at }),
      ...(find !== undefined && { find }),
      ...(as !== undefined && { as }),
    },
  ])
  const repairs: Record<string, ClaimRepair> = {
    ...(entry.emails_endpoint !== undefined && primaryAddress),
    ...Object.fromEntries(said),
  }
  return id === undefined ? repairs : { ...repairs, [id]: { ...repairs[id], as: 'text' } }
}

const primaryAddress: Readonly<Record<'email' | 'email_verified', ClaimRepair>> = {
  email: { at: ['/emails'], find: { where: { primary: true }, take: '/email' } },
  email_verified: { at: ['/emails'], find: { where: { primary: true }, take: '/verified' } },
}
