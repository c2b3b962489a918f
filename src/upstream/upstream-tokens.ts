import type { OAuthProvider } from '../config/provider.ts'
import { secretValue, type SecretValue } from '../config/secret-value.ts'
import type { EpochSeconds } from '../protocol/time.ts'

/** What a provider gave for its API. The secrets don't print. */
export type UpstreamTokens = {
  readonly accessToken: SecretValue
  /** Absent after a refresh that made no new one (the old one stays), and where the entry says that there are none. */
  readonly refreshToken?: SecretValue
  readonly tokenType: 'Bearer'
  /** What was granted; what was asked for, where the provider doesn't say. */
  readonly scope: readonly string[]
  /** Absent: no end is known. */
  readonly expiresAt?: EpochSeconds
  /** Id of the person there, where it is known. */
  readonly account?: string
}

/** A token answer whose shape was checked, as our own value. */
export function readTokens(
  provider: OAuthProvider,
  answer: {
    readonly access_token: string
    readonly refresh_token?: string
    readonly expires_in?: number
    readonly scope?: string
  },
  about: { readonly now: EpochSeconds; readonly asked: readonly string[]; readonly account?: string | undefined },
): UpstreamTokens {
  const lives = answer.expires_in ?? provider.expiresIn
  const granted = answer.scope?.split(provider.scopeSeparator).flatMap((part) => part.split(' '))
  return {
    accessToken: secretValue(answer.access_token),
    ...(answer.refresh_token !== undefined &&
      provider.refresh !== 'none' && { refreshToken: secretValue(answer.refresh_token) }),
    tokenType: 'Bearer',
    scope: granted === undefined ? about.asked : [...new Set(granted.filter((scope) => scope !== ''))],
    ...(lives !== undefined && { expiresAt: about.now + Math.floor(lives) }),
    ...(about.account !== undefined && { account: about.account }),
  }
}
