import type { ProviderDescription } from './provider-entry.ts'

/** Whoever sends a request says these: they belong to one hop (RFC 9110 §7.6.1), to its body, or to somebody's browser. */
const ofTheRequest: ReadonlySet<string> = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'cookie',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Headers that an entry adds to requests: none that the request itself needs to say, and nothing filled in that nobody knows. */
export function checkHeaders(entry: ProviderDescription, complain: (key: string, problem: string) => void): void {
  const basic = (entry.token_endpoint_auth_method ?? 'client_secret_basic') === 'client_secret_basic'
  const owned = {
    api_headers: ['authorization'],
    token_headers: ['content-type', ...(basic ? ['authorization'] : [])],
  } as const
  for (const [key, taken] of Object.entries(owned) as [keyof typeof owned, readonly string[]][])
    for (const [name, value] of Object.entries(entry[key] ?? {})) {
      if (ofTheRequest.has(name) || taken.includes(name))
        complain(key, `can't hold ${name}, which the request says by itself; leave it out`)
      const [unknown] = value.replaceAll(/\{(?:client_id|shared_secret)\}/g, '').match(/\{[a-z_]+\}/) ?? []
      if (unknown !== undefined)
        complain(key, `of ${name} holds ${unknown}; only {client_id} and {shared_secret} are filled in`)
    }
}
