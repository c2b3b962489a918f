import { extname } from 'node:path'

const types: Readonly<Record<string, { readonly type: string; readonly begins: RegExp }>> = {
  '.png': { type: 'image/png', begins: /^\x89PNG\r\n/ },
  '.jpg': { type: 'image/jpeg', begins: /^\xff\xd8\xff/ },
  '.jpeg': { type: 'image/jpeg', begins: /^\xff\xd8\xff/ },
  '.webp': { type: 'image/webp', begins: /^RIFF....WEBP/s },
  '.svg': { type: 'image/svg+xml', begins: /^\s*(?:<\?xml|<!--|<svg)/ },
}

/** In base64 it stands in every page. */
const longestAddress = 64 * 1024

/** A small picture as a `data:` address, since pages load nothing from elsewhere. */
export function readPicture(
  path: string,
  readBytes: (path: string) => Uint8Array | undefined,
): { readonly address: string } | { readonly problem: string } {
  const known = types[extname(path).toLowerCase()]
  if (known === undefined) return { problem: 'must name a .png, .jpg, .webp or .svg file' }
  let bytes: Uint8Array | undefined
  try {
    bytes = readBytes(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    return { problem: `names a file that can't be read (${code}); check its permissions` }
  }
  if (bytes === undefined)
    return { problem: "names a file that doesn't exist; check the path, which is relative to this file" }
  const picture = Buffer.from(bytes)
  if (!known.begins.test(picture.toString('latin1', 0, 64)))
    return { problem: `names a file that is no ${known.type}; save it anew` }
  const address = `data:${known.type};base64,${picture.toString('base64')}`
  return address.length > longestAddress
    ? { problem: 'names a picture larger than 48 KiB; make it smaller' }
    : { address }
}
