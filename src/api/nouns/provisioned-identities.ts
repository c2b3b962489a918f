import { z } from 'zod'
import { provisionIdentity } from '../../accounts/provision-identity.ts'
import { problem, type Problem } from '../../protocol/problem.ts'
import type { ApiContext } from '../context.ts'
import { operation, type Operation } from '../operation.ts'
import { provisioner } from '../policy.ts'
import { identityLabel, identitySubject } from './identity-shape.ts'
import { minted, shownMinted, wanted } from './minted-tokens.ts'
import { userId } from './user-shape.ts'

const { format, ttl, scope, resource, caveats } = wanted.shape

const provisioning = z
  .strictObject({
    issuer: z
      .url({ protocol: /^https?$/ })
      .max(1_024)
      .meta({ description: 'Of the ID token, or what stands for it: with `subject`, who it is.' }),
    subject: identitySubject,
    provider: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,31}$/)
      .meta({ description: 'Its short name. An account has one identity of each.' }),
    preferred_username: identityLabel.meta({
      description:
        'A free user name like it is given to a newcomer, never one that is cut: `newcomer-…` where it is longer than the 64 characters of a user name.',
    }),
    format: format.exactOptional().meta({ description: 'Of the token. Default: `macaroon`.' }),
    ttl,
    scope,
    resource,
    caveats,
  })
  .meta({ id: 'Provisioning', description: 'Somebody whom a front end signed in itself.' })

const provisioned = z
  .strictObject({ user_id: userId, username: z.string(), ...minted.shape })
  .meta({ id: 'Provisioned', description: 'The account of an identity, and a token for it.' })

export const provisionedIdentityOperations: readonly Operation[] = [
  operation({
    method: 'POST',
    path: '/api/v1/identities',
    id: 'provisionIdentity',
    tag: 'Accounts',
    summary: 'Sign somebody in whom a front end knows, or make an account',
    description:
      'For front ends that ran the sign-in themselves: the account that has this identity, made if there is none, and a token for it. The token never holds `admin`, `vault`, `introspect` or `accounts:provision`, holds of an API only what the front end holds itself, and counts as no sign-in: credentials and names can’t be changed with it. Nobody is provisioned who stands above whoever asks (a client stands where an `admin` stands), nor a locked account; nor one that has a second factor, or must have one by its role: its person goes through the authorization code flow.',
    policy: provisioner,
    body: provisioning,
    answer: { status: 201, schema: provisioned },
    found: 'The account was there.',
    refusals: ['conflict'],
    example: {
      body: {
        issuer: 'https://orcid.org',
        subject: '0000-0002-1825-0097',
        provider: 'orcid',
        preferred_username: 'josiah.carberry',
      },
      answer: {
        user_id: 'usr_5cQ0dJzYwVbW9o0mUj6B4Q',
        username: 'josiah.carberry',
        token: 'gth_mc_…',
        token_type: 'Bearer',
        expires_in: 2_678_400,
        scope: 'openid me',
        grant_id: '019a…',
      },
    },
    async perform({ context, caller, body, address }) {
      const { issuer, subject, provider, preferred_username: preferredUsername, scope: words, ...rest } = body
      const refused = providerProblem(context, { provider, issuer })
      if (refused !== undefined) return { refused }
      const done = await provisionIdentity(context, {
        actor: caller.actor,
        address,
        identified: { provider, issuer, subject, label: preferredUsername },
        preferredUsername,
        token: {
          format: 'macaroon',
          ...rest,
          ...(words !== undefined && { scope: [...new Set(words.split(' '))] }),
        },
      })
      if ('refused' in done) return done
      const { user, created, ...made } = done.done
      return {
        done: { user_id: user.userId, username: user.username, ...shownMinted(made) },
        ...(created ? { location: `/api/v1/users/${user.userId}` } : { found: true }),
      }
    },
  }),
]

/** A provider that people sign in through here too must mean the same there, or one person would look like two. */
function providerProblem(
  { upstream: { providers } }: ApiContext,
  { provider, issuer }: { readonly provider: string; readonly issuer: string },
): Problem | undefined {
  const known = providers.get(provider)
  if (known !== undefined && known.issuer !== issuer)
    return problem('invalid_field', { field: 'issuer', detail: `the issuer of ${provider} is ${known.issuer} here` })
  const other = [...providers.values()].find((one) => one.issuer === issuer && one.name !== provider)
  return other === undefined
    ? undefined
    : problem('invalid_field', { field: 'provider', detail: `this issuer is called ${other.name} here` })
}
