import { refuse, type Refusal } from './errors.ts'

export const resourceLimits = { characters: 1_024, count: 8 } as const

/** RFC 3986 §4.3 absolute-URI: a scheme and a rest out of URI characters, complete percent escapes, no `#`. */
const absoluteUri = /^[a-z][a-z0-9+.-]*:(?:[A-Za-z0-9\-._~:/?[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/

/** Reads one resource identifier (RFC 8707 §2). It is compared as a string, so its scheme is written in lower case and nothing is normalised. */
export function parseResource(text: string): string | Refusal {
  if (text.length > resourceLimits.characters || !absoluteUri.test(text)) {
    return refuse('invalid_target', 'resource_malformed', 'resource must be an absolute URI without fragment')
  }
  return text
}

/** Reads every `resource` of a request, each kept once, in order. */
export function parseResources(texts: readonly string[]): readonly string[] | Refusal {
  if (texts.length > resourceLimits.count) return refuse('invalid_target', 'resource_malformed', 'too many resources')
  const resources: string[] = []
  for (const text of texts) {
    const resource = parseResource(text)
    if (typeof resource !== 'string') return resource
    if (!resources.includes(resource)) resources.push(resource)
  }
  return resources
}

/** Whether an address belongs to the API whose identifier is its own address: that, or something below it. */
export function isWithin(address: string, resource: string): boolean {
  if (!/^https?:\/\//.test(resource)) return false
  const base = resource.endsWith('/') ? resource.slice(0, -1) : resource
  return address.startsWith(base) && (address.length === base.length || '/?'.includes(address.charAt(base.length)))
}
