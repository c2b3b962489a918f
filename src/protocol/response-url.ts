import { printParameters, type Pair } from './parameters.ts'
import type { RedirectTarget } from './redirect-uri.ts'

/**
 * The URL of an authorization response (RFC 6749 §4.1.2, §4.2.2). A target never has a fragment, nor one of our names in its query,
 * so each parameter stands in the result once.
 */
export function printResponseUrl(target: RedirectTarget, mode: 'query' | 'fragment', pairs: readonly Pair[]): string {
  if (pairs.length === 0) return target
  const mark = mode === 'fragment' ? '#' : target.includes('?') ? '&' : '?'
  return `${target}${mark}${printParameters(pairs)}`
}
