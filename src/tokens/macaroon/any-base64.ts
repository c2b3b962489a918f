/** Either alphabet of RFC 4648, padded or not, as macaroons travel; never both at once, and no stray bits at the end. */
export function decodeAnyBase64(text: string): Buffer | undefined {
  const bare = text.replace(/={1,2}$/, '')
  if (bare !== text && text.length % 4 !== 0) return undefined
  const bytes = Buffer.from(bare, 'base64url')
  const spelled = bytes.toString('base64url')
  if (spelled === bare) return bytes
  return spelled.replaceAll('-', '+').replaceAll('_', '/') === bare ? bytes : undefined
}
