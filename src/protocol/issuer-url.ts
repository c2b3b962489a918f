import { remembering } from './remembering.ts'

/** An issuer as a URL, parsed once: every page with a form asks for a part of it. Throws what `URL` throws. */
export const issuerUrl: (issuer: string) => Pick<Readonly<URL>, 'origin' | 'hostname'> = remembering(
  16,
  (issuer) => new URL(issuer),
)
