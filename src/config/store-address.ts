/** Where the records live, as `--store` names it. */
export type StoreAddress = { readonly adapter: 'sqlite'; readonly path: string } | { readonly adapter: 'memory' }

export type StoreAddressResult = { readonly address: StoreAddress } | { readonly problem: string }

const later: Readonly<Record<string, string>> = {
  postgres: 'PostgreSQL',
  postgresql: 'PostgreSQL',
  mysql: 'MySQL',
  dynamodb: 'DynamoDB',
}

/** Reads `sqlite:PATH` or `memory:`. `resolve` makes a path absolute, so that every command finds the same file. */
export function parseStoreAddress(text: string, resolve: (path: string) => string): StoreAddressResult {
  if (text === 'memory:') return { address: { adapter: 'memory' } }
  const [, scheme = '', rest = ''] = /^([a-z]+):(.*)$/.exec(text) ?? []
  if (scheme === 'sqlite') {
    // `sqlite://host/path` looks like a URL, but a file has no host; guessing would open the wrong file.
    if (rest === '' || rest.startsWith('//')) {
      return { problem: 'names no file; write sqlite:PATH, for example sqlite:./data/gatehouse.db' }
    }
    return { address: { adapter: 'sqlite', path: resolve(rest) } }
  }
  const product = later[scheme]
  if (product !== undefined) return { problem: `${product} isn't supported by this version; use sqlite:PATH` }
  // The text itself stays unsaid: a store address may carry a password.
  return { problem: 'is no store address; write sqlite:PATH or memory:' }
}

/** The address as text again. */
export function printStoreAddress(address: StoreAddress): string {
  return address.adapter === 'memory' ? 'memory:' : `sqlite:${address.path}`
}
