const longest = 512

/** The ranges of an Accept-Language header, best first (RFC 9110 §12.5.4); what is malformed or refused (`q=0`) is left out. */
export function parseAcceptLanguage(header: string): readonly string[] {
  if (header.length > longest) return []
  return header
    .split(',')
    .map((part) => /^[ \t]*([A-Za-z\d-]{1,35})[ \t]*(?:;[ \t]*q=([01](?:\.\d{0,3})?)[ \t]*)?$/.exec(part))
    .filter((match) => match !== null)
    .map((match) => ({ range: match[1] ?? '', quality: match[2] === undefined ? 1 : Number(match[2]) }))
    .filter(({ quality }) => quality > 0)
    .toSorted((a, b) => b.quality - a.quality)
    .map(({ range }) => range)
}
