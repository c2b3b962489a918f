import { redeemCode } from '../../src/domain/redeem-code.ts'
import { revokeGrant } from '../../src/domain/revoke-grant.ts'
import { rotateRefresh } from '../../src/domain/rotate-refresh.ts'
import { transition } from '../../src/store/transition.ts'

/** What is tried: the decisions and the bridge to the store, as the server uses them. A mutant has another one of them. */
export const core = { redeemCode, rotateRefresh, revokeGrant, transition } as const
export type Core = typeof core
