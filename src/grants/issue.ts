import type { SecretValue } from '../config/secret-value.ts'
import type { Client } from '../domain/client.ts'
import { epochOf } from '../domain/epoch.ts'
import { cleanDeviceName, deviceNameOf } from '../domain/device-name.ts'
import type { AuditEvent } from '../domain/event.ts'
import type { Grant, Imprint } from '../domain/grant.ts'
import { lifetimes } from '../domain/lifetimes.ts'
import { chooseTarget, resourceInQuestion, type Target } from '../domain/narrow.ts'
import { append, type Write } from '../domain/record.ts'
import type { NewRefresh } from '../domain/redeem-code.ts'
import { barReasons, signInBar } from '../domain/sign-in-bar.ts'
import { releaseClaims } from '../domain/release-claims.ts'
import { resourceClaims } from '../domain/resource-claims.ts'
import type { User } from '../domain/user.ts'
import { isRefusal, refuse, type Refusal } from '../protocol/errors.ts'
import type { GrantType as GrantTypeName } from '../protocol/grant-type.ts'
import type { HttpRequest } from '../protocol/http.ts'
import type { Parameters } from '../protocol/parameters.ts'
import { parseResources } from '../protocol/resource.ts'
import { parseScope } from '../protocol/scope.ts'
import type { EpochSeconds, Seconds } from '../protocol/time.ts'
import { mint, type Minted } from '../tokens/mint.ts'
import type { GrantContext } from './context.ts'

/** What a token request ends with: everything that its answer holds. */
export type Issued = {
  readonly minted: Minted
  readonly scope: readonly string[]
  readonly refreshToken?: string
}

/** What an exchange ends with: a token of another server, and nothing of ours (RFC 8693 §2.2.1). */
export type HandedOut = {
  readonly upstream: SecretValue
  readonly scope: readonly string[]
  /** Absent: no end is known. */
  readonly expiresIn?: Seconds
}

/** What a token can be made of. */
type Held = {
  readonly scope: readonly string[]
  readonly resources: readonly string[]
  /** Absent: the client acts for itself. */
  readonly user: User | undefined
}

/** Which scope and audience a token request asks for; absent scope: all that is held. */
export async function askedTarget(
  context: GrantContext,
  parameters: Parameters,
  held: Held,
): Promise<Target | Refusal> {
  const scopeText = parameters.get('scope')
  const scope = scopeText === undefined ? undefined : parseScope(scopeText)
  if (scope !== undefined && isRefusal(scope)) return scope
  const resources = parseResources(parameters.all('resource'))
  if (isRefusal(resources)) return resources
  return targetOf(context, { scope, resources }, held)
}

/** The same for values that were parsed before. */
export async function targetOf(
  context: GrantContext,
  asked: { readonly scope: readonly string[] | undefined; readonly resources: readonly string[] },
  held: Held,
): Promise<Target | Refusal> {
  const { issuer, directory } = context
  const question = { resources: asked.resources, heldResources: held.resources, issuer }
  const named = resourceInQuestion(question)
  const resource = named === undefined ? undefined : await directory.resource(named)
  return chooseTarget({ ...question, held: held.scope, scope: asked.scope, resource, user: held.user })
}

/**
 * What a client without a grant may name of what it names. Nothing named means this server itself, however many APIs it could
 * have asked for (RFC 8707 §2).
 */
export function namedResources(client: Client, parameters: Parameters): readonly string[] {
  const named = parameters.all('resource')
  return client.resources === undefined ? named : named.filter((one) => client.resources?.includes(one))
}

/** Everything about a token that is known before the decision to issue it. */
export type IssuePlan = {
  readonly client: Client
  /** Absent: the client acts for itself. */
  readonly user: User | undefined
  readonly target: Target
  readonly grantId: string
  readonly grantType: GrantTypeName | 'implicit'
  readonly now: EpochSeconds
  readonly address: string
}

export type Issuing = {
  readonly epoch: string
  readonly accessTtl: Seconds
  readonly eventId: string
  /** `token.issued`: goes into the commit that the answer waits for. */
  readonly event: AuditEvent
  readonly record: Write
  /** Signs. Called inside the decision, so that nothing is committed for a token that can't be made. */
  readonly mint: (grant: Pick<Grant, 'authentication' | 'nonce' | 'claims' | 'scope'> | undefined) => Minted
}

/** Prepare an issuance: ids, lifetimes, epoch and the audit event. */
export async function prepareIssue(context: GrantContext, plan: IssuePlan): Promise<Issuing> {
  const { client, user, target, grantId, now } = plan
  const { directory, keys, issuer, random, clock } = context
  const instance = await directory.instance()
  const epoch = epochOf(instance, user, client)
  const jti = random.id(clock.millis())
  const eventId = random.id(clock.millis())
  const accessTtl = accessTtlOf(plan)
  const audience = [target.resource?.resource ?? issuer]
  const event: AuditEvent = {
    v: 1,
    type: plan.grantType === 'refresh_token' ? 'token.refreshed' : 'token.issued',
    at: now,
    clientId: client.clientId,
    ...(user === undefined ? {} : { userId: user.userId }),
    grantId,
    jti,
    grantType: plan.grantType,
    scope: target.scope.join(' '),
    audience,
    address: plan.address,
  }
  return {
    epoch,
    accessTtl,
    eventId,
    event,
    record: append(eventId, event),
    mint: (grant) =>
      mint(keys, {
        issuer,
        client,
        subject: user?.userId ?? client.clientId,
        scope: target.scope,
        audience,
        format: target.resource?.accessToken.format ?? 'jwt',
        ttl: accessTtl,
        grantId,
        jti,
        epoch,
        now,
        ...(grant === undefined ? {} : { authentication: grant.authentication }),
        ...(grant?.nonce === undefined ? {} : { nonce: grant.nonce }),
        accessClaims: user === undefined ? {} : resourceClaims(user, target.resource),
        // OIDC Core §5.4: with an access token at hand, claims by scope come from userinfo; the ID token holds what was asked for there,
        // and what the person may do, which whoever reads nothing else decides by.
        idToken:
          user !== undefined && grant !== undefined && grant.scope.includes('openid') && plan.grantType !== 'implicit'
            ? {
                ttl: lifetimes.idToken,
                claims: releaseClaims(
                  user,
                  grant.scope.filter((scope) => scope === 'roles'),
                  grant.claims?.idToken,
                ),
              }
            : undefined,
      }),
  }
}

function accessTtlOf(plan: IssuePlan): Seconds {
  const longest = plan.grantType === 'implicit' ? lifetimes.implicitAccessToken : lifetimes.longestAccessToken
  return Math.min(plan.target.resource?.accessToken.ttl ?? lifetimes.accessToken, longest)
}

/** A new code's or refresh token's imprint: made before the decision, and kept by the grant, from which the token can be rebuilt. */
export function freshImprint(context: GrantContext): Imprint {
  return { nonce: context.random.text(16), keyId: context.keys.secret('mac').keyId }
}

/** A refresh token for a client that registered for it (RFC 6749 §5.1), and none for any other. */
export function newRefresh(context: GrantContext, client: Client, now: EpochSeconds): NewRefresh | undefined {
  if (!client.grantTypes.includes('refresh_token')) return undefined
  return {
    imprint: freshImprint(context),
    idleTtl: lifetimes.refreshIdle,
    absoluteExpiresAt: now + lifetimes.refreshAbsolute,
  }
}

/** What the person will recognise the grant by: as the client says, else as its User-Agent does. */
export function deviceOf(parameters: Parameters, http: HttpRequest): string {
  return cleanDeviceName(parameters.get('device_name') ?? '') ?? deviceNameOf(http.headers['user-agent'])
}

/** The person behind a grant, if he is there and may act. A bot never signed in: what an older store holds of such a sign-in is worth nothing. */
export async function activeUser(context: GrantContext, userId: string): Promise<User | Refusal> {
  const user = await context.directory.user(userId)
  if (user === undefined) return refuse('invalid_grant', 'user_unknown')
  const bar = signInBar(user)
  return bar === undefined ? user : refuse('invalid_grant', barReasons[bar])
}
