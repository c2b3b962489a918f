const longest = 2_048

/**
 * Whether a path is spelled so that every server between here and the API reads it the same (L3): no empty, dot or parameter
 * segment, no escape that a second decoding would turn into one, nothing that isn't UTF-8. A slash at the end is part of the path.
 */
export function isApiPath(path: string): boolean {
  if (path === '' || path.length > longest || !shape.test(path)) return false
  if (!path.includes('%')) return true
  if (strayEscape.test(path)) return false
  let text: string
  try {
    text = decodeURIComponent(path)
  } catch {
    return false
  }
  return !control.test(text) && !becomesSyntax(text)
}

/** RFC 3986 §3.3 without `;`: segments that are neither empty nor dots, and perhaps a slash behind them. */
const shape = /^(?:\/(?!\.{1,2}(?:\/|$))(?:[A-Za-z0-9._~!$&'()*+,=:@-]|%[0-9A-F]{2})+)*\/?$/

/** RFC 3986 §2.3: unreserved characters stand bare. And `/ \ . % ;` may mean something to whoever decodes once more. */
const strayEscape = /%(?:2[DEF5]|3[0-9B]|4[1-9A-F]|5[0-9AFC]|6[1-9A-F]|7[0-9AEF]|[01][0-9A-F])/
const control = /[\0-\x1f\x7f-\x9f\u2028\u2029\ufeff]/

/** Characters that compatibility normalisation makes syntax of: full-width slashes, one-dot leaders and their like. */
function becomesSyntax(text: string): boolean {
  const foreign = text.replaceAll(/[ -~]/g, '')
  return foreign !== '' && /[/\\.;%?#]/.test(foreign.normalize('NFKC'))
}

const querySize = 8_192
/** RFC 3986 §3.4, and the brackets that many an API wants bare. */
const queryShape = /^(?:[A-Za-z0-9._~!$&'()*+,;=:@/?[\]-]|%[0-9A-Fa-f]{2})*$/

/** Whether a query may travel behind such a path. */
export function isApiQuery(query: string): boolean {
  return query.length <= querySize && queryShape.test(query)
}

/**
 * The names in a query in one spelling, lower case with `_` for whatever is no letter: decoded, split at `;` too, and with
 * what some languages make of dots, spaces and brackets in a name (L3). A name in brackets or with a number behind it is itself.
 */
export function queryNames(query: string): readonly string[] {
  return query.split(/[&;]/).map((pair) => {
    const [name = ''] = pair.split('=', 1)
    const plain = decodedAscii(name.replaceAll('+', ' ')).trim().toLowerCase()
    return plain.replaceAll(/[^a-z]+/g, '_').replace(/_$/, '')
  })
}

/** Whatever isn't ASCII stays as it is: no name that is looked for holds any. */
function decodedAscii(text: string): string {
  return text.replaceAll(/%([0-7][0-9A-Fa-f])/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
