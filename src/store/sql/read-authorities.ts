import { readFileSync } from 'node:fs'
import type { SqlAddress } from '../../config/sql-address.ts'
import { StoreRefused } from '../refused.ts'

/** The certificates to trust instead of the system's, as TLS takes them; nothing where the address names none. */
export function readAuthorities({ tlsAuthorities }: SqlAddress): { readonly ca?: string } {
  if (tlsAuthorities === undefined) return {}
  try {
    return { ca: readFileSync(tlsAuthorities, 'utf8') }
  } catch (error) {
    throw new StoreRefused(`the store's sslrootcert can't be read; check that the file is there and readable`, {
      cause: error,
    })
  }
}
