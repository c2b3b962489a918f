import { z } from 'zod'

const printable = /^[^\p{C}\p{Zl}\p{Zp}]*$/u

/** With its issuer, who somebody is elsewhere. */
export const identitySubject = z
  .string()
  .min(1)
  .max(255)
  .regex(printable)
  .meta({ description: 'The stable id of the person there; never a name or an address.' })

/** What somebody is called elsewhere. */
export const identityLabel = z.string().min(1).max(200).regex(printable)
