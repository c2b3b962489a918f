/** An account as `gatehouse user import` takes it. */
export type Account = {
  readonly user_id: string
  readonly username: string
  readonly role: 'editor' | 'admin' | 'superuser'
  readonly bot: boolean
  readonly wrangler?: string
  readonly epoch: number
  readonly locked: boolean
  readonly identities?: readonly Identity[]
}

export type Identity = { readonly provider: string; readonly issuer: string; readonly subject: string }

const columns = ['id', 'username', 'is_superuser', 'is_admin', 'is_bot', 'is_active', 'auth_epoch', 'wrangler_id']

/** Names that a new server gives to its own first account. */
const taken = new Set(['admin', 'root'])

/** The rows of fatcat's table `editor`, as psql writes them. */
export function readEditors(csv: string, fallbackWrangler: string | undefined): readonly Account[] {
  const [head = '', ...rows] = csv.split(/\r?\n/).filter((line) => line !== '')
  if (head !== columns.join(',')) throw new Error(`the first line must be ${columns.join(',')}`)
  return rows.map((row, index) => {
    const [id = '', username = '', superuser, admin, bot, active, epoch = '', wrangler = '', ...more] = row.split(',')
    if (more.length > 0 || wrangler.includes('"')) throw new Error(`line ${index + 2} is not of this table`)
    const isBot = bot === 't'
    const answers = wrangler === '' ? fallbackWrangler : wrangler
    if (isBot && answers === undefined)
      throw new Error(`the bot ${username} has no wrangler: name the editor who answers for it by --wrangler UUID`)
    return {
      user_id: userIdOf(id),
      username: taken.has(username.toLowerCase()) ? `${username}-fatcat` : username,
      role: superuser === 't' ? 'superuser' : admin === 't' ? 'admin' : 'editor',
      bot: isBot,
      ...(isBot && answers !== undefined && { wrangler: userIdOf(answers) }),
      epoch: epochOf(epoch),
      locked: active !== 't',
    }
  })
}

/** The rows of fatcat's private table `auth_oidc`: who each editor is elsewhere, by the id of his account here. */
export function readIdentities(csv: string): ReadonlyMap<string, readonly Identity[]> {
  const [head = '', ...rows] = csv.split(/\r?\n/).filter((line) => line !== '')
  if (head !== 'editor_id,provider,oidc_iss,oidc_sub')
    throw new Error('the first line must be editor_id,provider,oidc_iss,oidc_sub')
  const found = new Map<string, Identity[]>()
  rows.forEach((row, index) => {
    const [editor = '', provider = '', issuer = '', subject = '', ...more] = row.split(',')
    if (more.length > 0 || subject === '' || row.includes('"'))
      throw new Error(`line ${index + 2} is not of this table`)
    const id = userIdOf(editor)
    found.set(id, [...(found.get(id) ?? []), { provider, issuer, subject }])
  })
  return found
}

/**
 * By provider, the issuer that its editors get in place of fatcat's; each text is PROVIDER=URL. Of Wikipedia fatcat kept the user name,
 * and here the number of an account counts: somebody's name may be the number of somebody else, who would be taken for him.
 */
export function readIssuers(pairs: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    pairs.map((pair) => {
      const [, provider, issuer] = /^([a-z][a-z0-9-]*)=(https:\/\/\S+)$/.exec(pair) ?? []
      if (provider === undefined || issuer === undefined)
        throw new Error(`--issuer takes PROVIDER=URL, with https, not ${pair}`)
      if (provider === 'wikipedia')
        throw new Error('fatcat knows people of wikipedia by user names, which are none here: they link it anew')
      return [provider, issuer]
    }),
  )
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'

/** `usr_` and the 16 bytes of a UUID in lower-case base32 without padding, which is how macaroons name their editor. */
export function userIdOf(uuid: string): string {
  const digits = uuid.replaceAll('-', '')
  if (!/^[0-9a-f]{32}$/i.test(digits)) throw new Error(`${uuid} is not a UUID`)
  let bits = BigInt(`0x${digits}`) << 2n
  let text = ''
  for (let letter = 0; letter < 26; letter++) {
    text = (alphabet[Number(bits & 31n)] ?? '') + text
    bits >>= 5n
  }
  return `usr_${text}`
}

/**
 * fatcat takes a macaroon whose `time >` is at most one second older than `auth_epoch`; Gatehouse one that is younger than the epoch.
 * This is the epoch that says the same about every macaroon that was made until now.
 */
export function epochOf(timestamp: string): number {
  const iso = timestamp.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00')
  const millis = Date.parse(iso)
  if (!Number.isFinite(millis)) throw new Error(`${timestamp} is not a time as psql writes it`)
  return Math.max(1, millis - 1000 - 1)
}
