import { describe, expect, test } from 'vitest'
import { readBroughtAccount } from '../../src/cli/brought-account.ts'

const read = (fields: object) => readBroughtAccount({ user_id: 'usr_1', username: 'robot', ...fields }, 'line 3')
const identities = [{ provider: 'orcid', issuer: 'https://orcid.org', subject: '0000-0002-1825-0097' }]
const hash = '$pbkdf2-sha256$i=150000$c2FsdHNhbHRzYWx0$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI'

describe('an account that brings its id along', () => {
  test('a bot brings no way in, and the line says so before any account is made (decision 0023)', () => {
    const bot = { bot: true, wrangler: 'usr_2' }
    expect(() => read({ ...bot, identities })).toThrow('line 3 is a bot and has identities')
    expect(() => read({ ...bot, password_hash: hash })).toThrow('line 3 is a bot and has a password_hash')
    expect(read({ ...bot, identities: [] })).toMatchObject({ bot: true, wrangler: 'usr_2', identities: [] })
  })

  test('a person brings both', () => {
    expect(read({ identities, password_hash: hash })).toMatchObject({
      bot: false,
      passwordHash: hash,
      identities: [{ ...identities[0], label: '0000-0002-1825-0097' }],
    })
  })
})
