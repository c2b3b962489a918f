import type { ClaimRepair } from '../provider.ts'

/** Where a second endpoint lists addresses, the primary one is the person's, verified or not. */
export const primaryAddress: Readonly<Record<'email' | 'email_verified', ClaimRepair>> = {
  email: { at: ['/emails'], find: { where: { primary: true }, take: '/email' } },
  email_verified: { at: ['/emails'], find: { where: { primary: true }, take: '/verified' } },
}
