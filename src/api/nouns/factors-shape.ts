import { z } from 'zod'
import { instant } from './user-shape.ts'

export const passkey = z
  .strictObject({
    passkey_id: z.string(),
    name: z.string(),
    synced: z.boolean().meta({ description: 'It is on all devices of an account elsewhere, not on one alone.' }),
    created_at: instant,
    last_used_at: instant.nullable(),
  })
  .meta({ id: 'Passkey', description: 'A key in a device of its person, which signs in by itself (WebAuthn).' })

export const passkeyName = z.string().min(1).max(60).meta({ description: 'What its person calls it.' })

export const factors = z
  .strictObject({
    authenticator: z
      .strictObject({ created_at: instant })
      .nullable()
      .meta({ description: 'An app that makes one-time codes (RFC 6238). null: none.' }),
    passkeys: z.array(passkey),
    recovery_codes_left: z.int().min(0),
  })
  .meta({ id: 'Factors', description: 'What an account has beside its password. Never a secret.' })

export const exampleFactors = {
  authenticator: { created_at: 1_795_000_000 },
  passkeys: [
    {
      passkey_id: 'q1Xo0b2J4n8',
      name: 'My phone',
      synced: true,
      created_at: 1_795_000_000,
      last_used_at: 1_795_000_600,
    },
  ],
  recovery_codes_left: 10,
}
