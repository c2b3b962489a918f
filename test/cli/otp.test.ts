import { afterAll, describe, expect, test } from 'vitest'
import { decodeBase32, encodeBase32 } from '../../src/crypto/base32.ts'
import { verifyTotp } from '../../src/crypto/one-time-code.ts'
import { run } from '../../src/cli/run.ts'
import { cli, ioAt, workplace } from './bench.ts'

const { directory, remove } = workplace()
afterAll(remove)

const secret = encodeBase32(Buffer.from('12345678901234567890'))

describe('gatehouse otp code', () => {
  test('RFC 6238 appendix B: prints the code of this half minute', async () => {
    const told = { out: '', err: '' }
    const io = ioAt(directory, {}, told)
    const clock = { ...io.system.clock, seconds: () => 59 }
    const code = await run(['otp', 'code', '--secret', secret, '--digits', '8'], {
      ...io,
      system: { ...io.system, clock },
    })
    expect({ code, ...told }).toEqual({ code: 0, out: '94287082\n', err: '' })
  })

  test('takes the secret from standard input, and other algorithms and lengths', async () => {
    const said = await cli(
      directory,
      ['otp', 'code', '--secret', '-', '--algorithm', 'SHA512', '--digits', '7', '--json'],
      {
        stdin: `${secret.toLowerCase()}\n`,
      },
    )
    expect(said).toMatchObject({ code: 0, err: '' })
    const { code, expires_in: left } = said.json()
    const kind = { secret: decodeBase32(secret) ?? new Uint8Array(), algorithm: 'SHA512', digits: 7 } as const
    expect(verifyTotp({ ...kind, now: Math.floor(Date.now() / 1000), code: String(code) })).toBeDefined()
    expect(left).toBeGreaterThan(0)
    expect(left).toBeLessThanOrEqual(30)
  })

  test('says what is wrong with a secret that is no base32, without repeating it', async () => {
    const said = await cli(directory, ['otp', 'code', '--secret', 'hunter1!'])
    expect(said.code).toBe(2)
    expect(said.err).toContain('--secret is not base32')
    expect(said.err).not.toContain('hunter')
    expect((await cli(directory, ['otp', 'code'])).code).toBe(2)
  })
})
