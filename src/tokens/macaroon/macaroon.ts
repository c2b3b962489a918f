/** One caveat. Without `thirdParty` it is a predicate that the verifier checks himself. */
export type Caveat = {
  readonly identifier: Uint8Array
  readonly thirdParty?: {
    /** A hint where to go for the discharge. No MAC covers it, so nothing may trust or fetch it. */
    readonly location: string
    /** The root key of the discharge, in a box that only this macaroon's verifier opens. */
    readonly verificationId: Uint8Array
  }
}

/**
 * A macaroon (Birgisson et al., "Macaroons: Cookies with Contextual Caveats", NDSS 2014). Plain, and never changed: whatever is
 * done to one makes another.
 */
export type Macaroon = {
  /** A hint for people. No MAC covers it. */
  readonly location: string
  readonly identifier: Uint8Array
  readonly caveats: readonly Caveat[]
  /** 32 bytes: HMAC-SHA256, chained over identifier and caveats. */
  readonly signature: Uint8Array
}

/** What is made and read at most, so that no macaroon costs its verifier more than a bounded time. */
export const macaroonLimits = {
  caveats: 64,
  /** Of an identifier, a location or a verification id. */
  fieldBytes: 4096,
  /** How long a chain of discharges of discharges may be. */
  dischargeDepth: 8,
  discharges: 64,
} as const

/** A macaroon would be larger than any verifier takes. */
export class MacaroonTooLarge extends Error {
  constructor(what: string) {
    super(what)
    this.name = 'MacaroonTooLarge'
  }
}

/** Bytes of a text, or the bytes as given; not longer than a field may be. Throws MacaroonTooLarge. */
export function fieldOf(value: string | Uint8Array, what: string): Uint8Array {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value
  if (bytes.length > macaroonLimits.fieldBytes)
    throw new MacaroonTooLarge(`the ${what} has ${bytes.length} bytes; ${macaroonLimits.fieldBytes} are allowed`)
  return bytes
}
