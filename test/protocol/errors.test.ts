import { describe as group, expect, test } from 'vitest'
import { describe, isRefusal, refuse, statusOf, throttled, wireErrorCodes } from '../../src/protocol/errors.ts'
import { reasons } from '../../src/protocol/reasons.ts'

/** RFC 6749 §5.2: error_description is %x20-21 / %x23-5B / %x5D-7E. */
const descriptionCharacters = /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/

group('wire errors', () => {
  test.each(wireErrorCodes)('RFC 6749 §5.2: %s is described in allowed characters', (code) => {
    expect(describe(refuse(code, 'unexpected'))).toMatch(descriptionCharacters)
  })

  test('a hint replaces the general sentence; the reason never shows', () => {
    const refusal = refuse('invalid_grant', 'code_replayed', 'a hint')
    expect(describe(refusal)).toBe('a hint')
    for (const code of wireErrorCodes) {
      expect(describe(refuse(code, 'code_replayed'))).not.toContain('code_replayed')
    }
  })

  test.each([
    ['invalid_client', 401],
    ['invalid_token', 401],
    ['insufficient_scope', 403],
    ['invalid_request', 400],
    ['invalid_grant', 400],
    ['server_error', 500],
    ['temporarily_unavailable', 503],
  ] as const)('%s answers %i', (code, status) => {
    expect(statusOf(refuse(code, 'unexpected'))).toBe(status)
  })

  test('RFC 6585 §4: one attempt too many answers 429, and says how long to wait', () => {
    const refusal = throttled(30)
    expect(statusOf(refusal)).toBe(429)
    expect(refusal.retryAfter).toBe(30)
    expect(describe(refusal)).toMatch(descriptionCharacters)
  })

  test('a refusal is told from values', () => {
    expect(isRefusal(refuse('invalid_request', 'unexpected'))).toBe(true)
    for (const value of [undefined, null, 'error', ['error', 'reason'], { error: 'x' }, { reason: 'x' }, 0]) {
      expect(isRefusal(value)).toBe(false)
    }
  })
})

test('every reason is a snake_case word with a sentence', () => {
  for (const [reason, sentence] of Object.entries(reasons)) {
    expect(reason).toMatch(/^[a-z]+(_[a-z]+)*$/)
    expect(sentence).toMatch(/^\S.{9,}[^.]$/)
  }
})
