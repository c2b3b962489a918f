import { authenticationContexts, meetsContext } from './authentication-context.ts'
import type { Client } from './client.ts'
import type { AuthorizationRequest } from './interaction.ts'
import type { Session } from './session.ts'
import type { Role, User } from './user.ts'

type SignIn = Pick<Session, 'acr' | 'amr'>
type Asked = Pick<AuthorizationRequest, 'acrValues' | 'claims'>

export type ContextNeeds = {
  readonly request: Asked
  readonly client: Pick<Client, 'requireSecondFactor'>
  readonly user: Pick<User, 'role'>
  /** Roles that have to have a second factor. */
  readonly roles: readonly Role[]
}

/** The stronger context that a sign-in lacks; `impossible`, where one is essential that can't be reached here. */
export type MissingContext = 'mfa' | 'impossible'

/**
 * What a sign-in lacks for a request: what the application calls essential (OIDC Core §5.5.1.1), what it asks for and we know
 * (`acr_values`; RFC 9470 §4), and what the client or the person's role takes whatever is asked for.
 */
export function missingContext(
  signIn: SignIn,
  { request, client, user, roles }: ContextNeeds,
): MissingContext | undefined {
  const { essential, wished } = askedContexts(request)
  const strict = essential.length > 0 && !meetsOne(essential, signIn)
  if (strict && !essential.includes('mfa')) return 'impossible'
  const wishes = wished.includes('mfa') && !meetsOne(wished, signIn)
  const required = (client.requireSecondFactor === true || roles.includes(user.role)) && !meetsContext('mfa', signIn)
  return strict || wishes || required ? 'mfa' : undefined
}

/** What a client is told of how somebody signed in: the first that it asked for and that is met, else how it was. */
export function toldContext(signIn: SignIn, request: Asked): string {
  const { essential, wished } = askedContexts(request)
  return [...essential, ...wished].find((context) => meetsContext(context, signIn)) ?? signIn.acr
}

function askedContexts({ acrValues = [], claims }: Asked): {
  readonly essential: readonly string[]
  readonly wished: readonly string[]
} {
  const claim = claims?.idToken['acr']
  const values = claim?.values ?? (claim?.value === undefined ? [] : [claim.value])
  const essential = claim?.essential === true ? values : []
  // What we don't know is no wish that we could meet (OIDC Core §3.1.2.1: acr_values is voluntary).
  const known: readonly string[] = authenticationContexts
  const wished = [...(claim?.essential === true ? [] : values), ...acrValues].filter((value) => known.includes(value))
  return { essential, wished }
}

const meetsOne = (contexts: readonly string[], signIn: SignIn): boolean =>
  contexts.some((context) => meetsContext(context, signIn))
