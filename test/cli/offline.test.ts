import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { decodeBase32, encodeBase32 } from '../../src/crypto/base32.ts'
import { verifyTotp } from '../../src/crypto/one-time-code.ts'
import { run } from '../../src/cli/run.ts'
import { isClientSecret } from '../../src/tokens/client-secret.ts'
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

describe('gatehouse request sign', () => {
  const keep = (name: string, text: string) => writeFileSync(join(directory, name), text)
  const sign = (...args: string[]) =>
    cli(directory, ['request', 'sign', 'https://login.example/oauth/token', '--client-id', 'robot', ...args])

  test('prints the headers of a signed request, a line each, and nothing secret', async () => {
    keep('robot.secret', 'a secret of the robot\n')
    keep('robot.otp', `${secret}\n`)
    const said = await sign(
      '--method',
      'post',
      '--data',
      'a=b',
      '--secret-file',
      'robot.secret',
      '--otp-secret-file',
      'robot.otp',
    )
    expect(said).toMatchObject({ code: 0, err: '' })
    const [digest, code, input, signature, ...rest] = said.out.split('\n')
    expect(digest).toMatch(/^content-digest: sha-256=:[A-Za-z0-9+/]{43}=:$/)
    expect(code).toMatch(/^one-time-code: \d{6}$/)
    expect(input).toMatch(
      /^signature-input: sig=\("@method" "@target-uri" "content-digest" "one-time-code"\);created=\d{10};nonce="[^"]{22}";keyid="robot"$/,
    )
    expect(signature).toMatch(/^signature: sig=:[A-Za-z0-9+/]{43}=:$/)
    expect(rest).toEqual([''])
    expect(said.out).not.toContain('a secret')
  })

  test('signs with a private key, and covers an Authorization header', async () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    keep('robot.pem', String(privateKey.export({ format: 'pem', type: 'pkcs8' })))
    const said = await sign('--key', 'robot.pem', '--authorization', 'Bearer x', '--json')
    expect(said.json()).toMatchObject({ 'signature-input': expect.stringContaining('"authorization")') as string })
  })

  test('says what is missing or wrong, and quotes no key', async () => {
    keep(
      'rsa.pem',
      String(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'pem', type: 'pkcs8' })),
    )
    keep('no.pem', 'hunter2')
    for (const [args, text] of [
      [[], 'give one of --secret-file and --key'],
      [['--key', 'nowhere.pem'], "can't be read"],
      [['--key', 'rsa.pem'], 'Ed25519 or P-256'],
      [['--key', 'no.pem'], 'Ed25519 or P-256'],
      [['--secret-file', 'no.pem', '--otp-secret-file', 'no.pem'], 'holds no base32 secret'],
    ] as const) {
      const said = await sign(...args)
      expect(said.code).not.toBe(0)
      expect(said.err).toContain(text)
      expect(said.err).not.toContain('hunter2')
    }
  })
})

test('D13: gatehouse key create --client-secret prints one for an entry of the file, another each time', async () => {
  const [one, other] = [
    await cli(directory, ['key', 'create', '--client-secret']),
    await cli(directory, ['key', 'create', '--client-secret']),
  ]
  expect(one).toMatchObject({ code: 0, err: '' })
  expect(isClientSecret(one.out.trimEnd())).toBe(true)
  expect(one.out).not.toBe(other.out)
  const { client_secret: secret } = (await cli(directory, ['key', 'create', '--client-secret', '--json'])).json()
  expect(isClientSecret(String(secret))).toBe(true)
  expect((await cli(directory, ['key', 'create', '--client-secret', '--env-format'])).code).toBe(2)
})
