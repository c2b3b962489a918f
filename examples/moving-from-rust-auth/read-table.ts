/** An account as `gatehouse user import` takes it. */
export type Account = {
  readonly user_id: string
  readonly username: string
  readonly full_name?: string
  readonly role: 'editor' | 'superuser'
  readonly epoch: number
  readonly password_hash?: string
}

/** A client as `gatehouse client create --file` takes it. */
export type Client = {
  readonly client_id: string
  readonly client_name: string
  readonly grant_types: readonly string[]
  readonly legacy?: readonly string[]
  readonly token_endpoint_auth_method: 'none' | 'client_secret_basic'
  readonly scope: string
  readonly loopback_only?: true
}

export type Table = {
  readonly accounts: readonly Account[]
  readonly clients: readonly Client[]
  /** What stays behind, in words. */
  readonly remarks: readonly string[]
}

/** Attributes as DynamoDB writes them. */
type Attribute = {
  readonly S?: string
  readonly B?: string
  readonly SS?: readonly string[]
  readonly BOOL?: boolean
}
type Item = Readonly<Record<string, Attribute>>

/** Names that a new server gives to its own first account. */
const taken = new Set(['admin', 'root'])

/**
 * The table `Auth`, as `aws dynamodb scan` prints it or as an export to S3 holds it (one item a line).
 * `secret`: what the old server salted every password with, in front of the user name. `iterations`: of its configuration.
 */
export function readTable(text: string, about: { readonly secret: string; readonly iterations: number }): Table {
  const items = readItems(text)
  const fullNames = new Map<string, string>()
  for (const item of items) {
    const [kind, id] = keyOf(item)
    const name = item['full_name']?.S
    if (kind === 'U' && id !== '' && name !== undefined && name !== '') fullNames.set(id, name)
  }
  const accounts: Account[] = []
  const clients: Client[] = []
  const remarks: string[] = []
  let refreshTokens = 0
  for (const item of items) {
    const [kind, id] = keyOf(item)
    if (kind === 'UC') accounts.push(accountOf(id, item, { ...about, fullNames, remarks }))
    else if (kind === 'C' && id !== 'loopback') clients.push(clientOf(id, item, remarks))
    else if (kind === 'RT') refreshTokens += 1
  }
  if (refreshTokens > 0)
    remarks.push(`${refreshTokens} refresh tokens stay behind: of each only a hash is kept; people sign in once more`)
  return { accounts, clients, remarks }
}

function readItems(text: string): readonly Item[] {
  const whole = text.trimStart()
  // One document with all items, or one item on each line.
  const documents = /^\{\s*"Items"/.test(whole)
    ? [JSON.parse(whole) as unknown]
    : whole
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as unknown)
  return documents.flatMap((document) => {
    const { Items, Item } = document as { readonly Items?: readonly Item[]; readonly Item?: Item }
    return Items ?? (Item === undefined ? [] : [Item])
  })
}

function keyOf(item: Item): readonly [kind: string, id: string] {
  const key = item['pk']?.S ?? ''
  const at = key.indexOf('#')
  return [key.slice(0, at), key.slice(at + 1)]
}

function accountOf(
  username: string,
  item: Item,
  about: {
    readonly secret: string
    readonly iterations: number
    readonly fullNames: ReadonlyMap<string, string>
    readonly remarks: string[]
  },
): Account {
  const { secret, iterations, fullNames, remarks } = about
  const id = item['user_id']?.S ?? ''
  const hash = item['credential']?.B
  const scopes = item['scopes']?.SS ?? []
  const fullName = fullNames.get(id)
  const here = taken.has(username.toLowerCase()) ? `${username}-before` : username
  if (here !== username) remarks.push(`the account ${username} is called ${here} here: the new server has its own`)
  for (const scope of scopes.filter((one) => one !== 'superuser' && one !== 'offline_access'))
    remarks.push(`${username} had the scope ${scope}, which nobody knows here`)
  return {
    user_id: `usr_${id}`,
    username: here,
    ...(fullName !== undefined && { full_name: fullName }),
    role: scopes.includes('superuser') ? 'superuser' : 'editor',
    epoch: 1,
    // The salt is of the old name: it stays right however the account is renamed.
    ...(hash !== undefined && {
      password_hash: `$pbkdf2-sha256$i=${iterations}$${bare(Buffer.from(secret + username))}$${bare(Buffer.from(hash, 'base64'))}`,
    }),
  }
}

function clientOf(clientId: string, item: Item, remarks: string[]): Client {
  const grants = item['grants']?.SS ?? []
  const scopes = item['scopes']?.SS ?? []
  const confidential = item['credential']?.B !== undefined
  const byPassword = grants.includes('password')
  if (confidential) remarks.push(`the client ${clientId} gets a new secret: of the old one only a hash is kept`)
  // There no client needed its grants; here it can do nothing else.
  const grantTypes = grants.filter((grant) => grant !== 'client_credentials' || confidential)
  if (grantTypes.length < grants.length)
    remarks.push(`the client ${clientId} has no secret, so client_credentials is not for it`)
  const powerful = scopes.includes('superuser')
  if (powerful && byPassword)
    remarks.push(
      `the client ${clientId} takes passwords, so it administers nothing; loopback does, on the machine itself`,
    )
  return {
    client_id: clientId,
    client_name: item['client_name']?.S ?? clientId,
    grant_types: grantTypes,
    ...(byPassword && { legacy: ['password'] }),
    token_endpoint_auth_method: confidential ? 'client_secret_basic' : 'none',
    scope: [
      'openid',
      'profile',
      'me',
      ...(scopes.includes('offline_access') ? ['offline_access'] : []),
      ...(powerful && !byPassword ? ['admin'] : []),
    ].join(' '),
    ...(item['loopback']?.BOOL === true && { loopback_only: true as const }),
  }
}

/** base64 without padding, as hashes are written. */
const bare = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '')
