import { describe, expect, it } from 'vitest'
import { card } from '../../src/cli/print.ts'

describe('a document for people', () => {
  it('is a line for each member that has a value', () => {
    expect(card({ client_id: 'web', scope: '', redirect_uris: [], disabled: false, logo_uri: undefined })).toBe(
      'client_id  web\ndisabled   false\n',
    )
  })

  it('has the entries of a list in one line', () => {
    expect(card({ grant_types: ['authorization_code', 'refresh_token'] })).toBe(
      'grant_types  authorization_code refresh_token\n',
    )
  })

  it('has one line for each entry where one holds spaces, as caveats do', () => {
    expect(card({ kind: 'macaroon', caveats: ['method = GET', 'time < 2027-01-01T00:00:00Z'] })).toBe(
      'kind     macaroon\ncaveats  method = GET\n         time < 2027-01-01T00:00:00Z\n',
    )
  })

  it('moves nobody’s cursor', () => {
    expect(card({ name: 'a\u001b[2Jb', caveats: ['x = \u001b[2J', 'y = 1\nz = 2'] })).toBe(
      'name     a\ufffd[2Jb\ncaveats  x = \ufffd[2J\n         y = 1\ufffdz = 2\n',
    )
  })
})
