import type { EpochSeconds } from '../protocol/time.ts'

/** What happened, in a closed vocabulary. `noun.verb`, past tense. */
export type EventType =
  | 'token.issued'
  | 'token.refreshed'
  | 'token.refresh_repeated'
  | 'token.refused'
  | 'token.revoked'
  /** Somebody found it where others could read it; it ended with that. */
  | 'token.leaked'
  | 'discharge.issued'
  | 'code.issued'
  | 'code.redeemed'
  | 'code.replayed'
  | 'grant.revoked'
  | 'signin.succeeded'
  | 'signin.failed'
  /** So many attempts that the budget of everybody is used up: somebody tries passwords from many places. */
  | 'signin.flooded'
  | 'session.ended'
  | 'consent.given'
  | 'consent.denied'
  /** The answer to its page named more than the page offered; that counted for nothing. */
  | 'consent.altered'
  | 'consent.withdrawn'
  | 'user.created'
  | 'user.changed'
  | 'user.invited'
  | 'invitation.withdrawn'
  | 'user.deleted'
  | 'user.locked'
  | 'user.unlocked'
  | 'user.password_changed'
  /** One that came from another server became one of ours, with the right password. */
  | 'user.password_rehashed'
  | 'factor.added'
  | 'factor.removed'
  | 'factor.renamed'
  | 'factor.reset'
  | 'recovery_codes.made'
  | 'recovery_code.used'
  | 'identity.linked'
  | 'identity.unlinked'
  | 'user.email_confirmed'
  | 'letter.asked'
  | 'connection.made'
  /** The same account consented anew: it has other tokens, and is what it was. */
  | 'connection.renewed'
  | 'connection.denied'
  | 'connection.fetched'
  | 'connection.refreshed'
  /** For a reason that asking again won't mend: the provider refuses this server, or what it says is no answer. */
  | 'connection.refresh_failed'
  | 'connection.revoked'
  | 'connection.given_back'
  | 'connection.called'
  | 'connection.broken'
  /** Every connection of it ended. */
  | 'provider.recalled'
  | 'epoch.bumped'
  | 'client.created'
  | 'client.changed'
  | 'client.disabled'
  | 'client.enabled'
  | 'client.deleted'
  | 'client.secret_rotated'
  | 'resource.created'
  | 'resource.changed'
  | 'resource.deleted'
  | 'key.created'
  /** It takes over sooner than it would have by itself. */
  | 'key.brought_forward'
  | 'key.imported'
  | 'key.rotated'
  | 'key.retired'
  | 'key.removed'
  | 'instance.created'
  | 'instance.restored'
  | 'instance.fenced'
  | 'refusals.left_out'

/**
 * An audit event: who did what to what, from where, and why it was refused. Never holds a secret:
 * tokens stand here by `jti` and `grantId` alone.
 */
export type AuditEvent = {
  readonly v: 1
  readonly type: EventType
  readonly at: EpochSeconds
  readonly clientId?: string
  readonly userId?: string
  readonly grantId?: string
  readonly jti?: string
  readonly sessionId?: string
  /** Id of the account or client that acted, or `cli`, `file`, `first start`. Absent where nobody but the user or client itself can. */
  readonly actor?: string
  readonly address?: string
  readonly grantType?: string
  readonly scope?: string
  readonly audience?: readonly string[]
  /** The closed internal reason of a refusal. */
  readonly reason?: string
  /** How many, where an event speaks of several. */
  readonly count?: number
  /** Id of the resource, key or other record concerned. */
  readonly target?: string
}
