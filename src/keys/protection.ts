import { secretWeakness } from '../config/strong-secret.ts'
import { decodeBase64url, encodeBase64url } from '../crypto/encoding.ts'
import { deriveMacKey, type MacKey } from '../crypto/mac.ts'
import type { Random } from '../crypto/random.ts'
import { openAtRest, sealAtRest } from '../crypto/seal.ts'
import type { Store } from '../store/port.ts'
import { createKeyFile, readKeyFile } from './key-file.ts'
import { hasKeyRecords } from './key-records.ts'
import { ProtectionFailed } from './protection-failed.ts'

/** Seals keys at rest under something that isn't in the store. */
export type Protection = {
  /** base64url; bound to instance, kind and record. */
  readonly seal: (kind: string, recordId: string, plaintext: Uint8Array) => string
  /** Throws ProtectionFailed if it was sealed under another key, for another instance or for another record. */
  readonly open: (kind: string, recordId: string, sealed: string) => Uint8Array
}

/** Where the key-encryption key comes from: the secret wins over the file. */
export type ProtectionSource = { readonly secret: string } | { readonly keyFile: string }

/** What opening it needs to know of the store that it protects. */
export type ProtectedStore = Place & { readonly store: Store }

type Place = { readonly instanceId: string; readonly random: Random }

/** A key file that is missing is created only for a store without keys. Throws ProtectionFailed. */
export async function openProtection(source: ProtectionSource, protectedStore: ProtectedStore): Promise<Protection> {
  if ('keyFile' in source) {
    const key = await keyOfFile(source.keyFile, protectedStore)
    return protectWith(key, `the key file ${source.keyFile}`, protectedStore)
  }
  const weakness = secretWeakness(source.secret)
  if (weakness !== undefined) throw new ProtectionFailed(`GATEHOUSE_SECRET ${weakness}`)
  // A text of 256 bits needs no slow derivation.
  return protectWith(deriveMacKey(source.secret, 'gatehouse keys at rest 1'), 'GATEHOUSE_SECRET', protectedStore)
}

async function keyOfFile(path: string, { store, random }: ProtectedStore): Promise<MacKey> {
  const known = await readKeyFile(path)
  if (known !== undefined) return known
  if (await hasKeyRecords(store)) {
    throw new ProtectionFailed(
      `the key file ${path} is missing, and this store's keys open with nothing else: bring it back from a backup, or name its place`,
    )
  }
  return createKeyFile(path, random)
}

/** Over a key that is at hand already; `name` is what an error calls it. */
export function protectWith(key: MacKey, name: string, { instanceId, random }: Place): Protection {
  return {
    seal: (kind, recordId, plaintext) =>
      encodeBase64url(sealAtRest(key, { place: [instanceId, kind, recordId], plaintext }, random)),
    open: (kind, recordId, sealed) => {
      const bytes = decodeBase64url(sealed)
      const plaintext = bytes === undefined ? undefined : openAtRest(key, [instanceId, kind, recordId], bytes)
      if (plaintext !== undefined) return plaintext
      throw new ProtectionFailed(
        `${name} doesn't open the ${kind} ${recordId}: it isn't the one that this store was made with, or the record was altered; bring the right one back`,
      )
    },
  }
}
