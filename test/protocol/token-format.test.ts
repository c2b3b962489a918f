import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  longestToken,
  printToken,
  splitToken,
  tokenKindOf,
  tokenKinds,
  tokenPrefix,
  type TokenKind,
} from '../../src/protocol/token-format.ts'

const kinds = Object.keys(tokenKinds) as TokenKind[]

test('CONTRACT Token shapes: prefix and kind in front; the checksum behind, for macaroons before the body', () => {
  expect(printToken({ kind: 'at', body: 'body', checksum: '0123abcd' })).toBe('gth_at_body_0123abcd')
  expect(printToken({ kind: 'mc', body: 'body', checksum: '0123abcd' })).toBe('gth_mc_0123abcd_body')
  expect(kinds.map(tokenPrefix)).toEqual(['gth_ac_', 'gth_rt_', 'gth_at_', 'gth_dc_', 'gth_cs_', 'gth_vh_', 'gth_mc_'])
})

test('split ∘ print is identity', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...kinds),
      fc.stringMatching(/^[A-Za-z0-9_-]{1,200}$/),
      fc.stringMatching(/^[0-9a-f]{8}$/),
      (kind, body, checksum) => {
        const parts = { kind, body, checksum }
        const text = printToken(parts)
        expect(splitToken(text)).toEqual(parts)
        expect(tokenKindOf(text)).toBe(kind)
      },
    ),
  )
})

test.each([
  '',
  'gth_at_',
  'gth_at__0123abcd',
  'gth_at_body_0123ABCD',
  'gth_at_body_0123abc',
  'gth_at_body-0123abcd',
  'gth_at_bo dy_0123abcd',
  'gth_at_bo=dy_0123abcd',
  'gth_at_body_0123abcd\n',
  'GTH_AT_body_0123abcd',
  'gth_xx_body_0123abcd',
  'gth___body_0123abcd',
  'gth_atxbody_0123abcd',
  'gth_mc_body_0123abcd',
  'gth_at_0123abcdxbody',
  'gth_to_body_0123abcd',
  `gth_at_${'a'.repeat(longestToken.at)}_0123abcd`,
])('%.40j is none of ours', (text) => {
  expect(splitToken(text)).toBeUndefined()
})

test.each(['__proto__', 'constructor', 'gth_co_'])('%s is no kind', (text) => {
  expect(tokenKindOf(text)).toBeUndefined()
})
