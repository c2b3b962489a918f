import { mostPasskeys, passkeyMethods, passkeysOf } from '../domain/factors.ts'
import type { Ref } from '../domain/record.ts'
import type { PasskeyKey } from '../crypto/passkey.ts'
import { changeFactors, type FactorsChanged, type Showing, type FactorsContext } from './change-factors.ts'
import { noFactors } from './find-factors.ts'

export type NewPasskey = {
  readonly key: PasskeyKey & { readonly synced: boolean }
  readonly name: string
  /** That its challenge was answered, and until when it has to be remembered. */
  readonly once: { readonly ref: Ref<'once'>; readonly until: number }
}

/**
 * A passkey becomes the account's, in the session or grant that asked for its challenge. That no other account has it is not asked:
 * it is only ever looked for among those of the account that it names.
 */
export function addPasskey(
  context: FactorsContext,
  { imprint, ...changing }: Showing,
  { key, name, once }: NewPasskey,
): Promise<FactorsChanged> {
  return changeFactors(context, changing, {
    type: 'factor.added',
    target: `passkey ${key.id}`,
    once,
    shows: imprint && { methods: passkeyMethods(key), imprint },
    judge: (before = noFactors, now) => {
      const passkeys = passkeysOf(before)
      if (passkeys.length >= mostPasskeys || passkeys.some(({ id }) => id === key.id)) return { refused: 'has_one' }
      return { ...before, passkeys: [...passkeys, { ...key, name, createdAt: now }] }
    },
  })
}
