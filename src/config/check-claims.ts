import type { ProviderDescription, ProviderEntry } from './provider-entry.ts'

/** What an ID token is verified by, and whose it is: counts as it was signed, or not at all (OIDC Core §3.1.3.7). */
const asSigned: ReadonlySet<string> = new Set(
  'iss sub aud azp exp iat nbf nonce auth_time at_hash c_hash hd'.split(' '),
)

/** What people change, and others take then: never whose account it is. */
const changingHands: ReadonlySet<string> = new Set(
  'email login username preferredusername nickname name displayname fullname'.split(' '),
)

/** However the provider spells it: `userName` is `user_name`. */
const canChangeHands = (name: string): boolean => changingHands.has(name.replaceAll('_', '').toLowerCase())

type Entry = ProviderDescription & Pick<ProviderEntry, 'preset'>

/** Repairs and demands that an entry can't make of what its provider says. */
export function checkClaims(
  { preset, claims = {}, required_claims: required, subject, subject_claim }: Entry,
  complain: (key: string, problem: string) => void,
): void {
  const hasIdToken = subject?.from === 'id_token'
  for (const [name, { at, find, as }] of Object.entries(claims)) {
    if (at === undefined && find === undefined && as === undefined)
      complain('claims', `repairs ${name} without saying how; add at, find or as`)
    if (typeof at === 'object' && at.length > 1 && find !== undefined)
      complain('claims', `joins ${name} of several places and looks for it in a list; choose one`)
    if (hasIdToken && asSigned.has(name))
      complain('claims', `can't repair ${name}: in an ID token it counts as it was signed; leave it out`)
  }
  const key = preset === 'site-login' ? 'subject_claim' : 'subject'
  const claim = preset === 'site-login' ? subject_claim : subject?.from === 'userinfo' ? subject.claim : undefined
  if (claim !== undefined) {
    const { at = [], find } = claims[claim] ?? {}
    const places = [at, find?.take ?? []].flat().map((place) => place.slice(place.lastIndexOf('/') + 1))
    const taken = [claim, ...places].find(canChangeHands)
    if (taken !== undefined) complain(key, `can't be ${taken}, which can change hands; take an id that stays`)
  }
  if (required !== undefined && !hasIdToken)
    complain('required_claims', 'are looked for in ID tokens, which this provider gives none of; leave them out')
}
