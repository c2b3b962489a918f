import type { Macaroon } from './macaroon.ts'
import { boundSignature } from './signature-chain.ts'

/** A discharge, made good for this root alone. What is sent are the root and its bound discharges. */
export function bindDischarge(root: Macaroon, discharge: Macaroon): Macaroon {
  return { ...discharge, signature: boundSignature(root.signature, discharge.signature) }
}
