let last: { readonly issuer: string; readonly url: URL } | undefined

/** An issuer as a URL, parsed once: every page with a form asks for a part of it. Throws what `URL` throws. */
export function issuerUrl(issuer: string): Pick<Readonly<URL>, 'origin' | 'hostname'> {
  if (last?.issuer !== issuer) last = { issuer, url: new URL(issuer) }
  return last.url
}
