import { afterAll, describe, expect, test } from 'vitest'
import { createPasswordStrength } from '../../src/accounts/password-strength.ts'
import { generatePassword } from '../../src/accounts/generate-password.ts'
import { createRandom } from '../../src/crypto/random.ts'

const { strength, close } = createPasswordStrength()
afterAll(close)

describe('how soon a guesser comes to it', () => {
  test.each([
    'password1234',
    'qwertyuiop12',
    'administrator1',
    'aaaaaaaaaaaaaaaaaaaa',
    'abcdefghijkl',
    '1234567890987654321',
    'iloveyou12345',
    'wahrscheinlich1',
    'geschwindigkeit',
  ])('too soon: %s', async (password) => {
    expect(await strength(password, [])).toMatch(/^is too easy to guess/)
  })

  test.each(['correct horse battery staple', 'x7!kPq92mZ-w', 'grüne Möwen fahren Kahn'])(
    'late enough: %s',
    async (password) => {
      expect(await strength(password, [])).toBeUndefined()
    },
  )

  test('what belongs to the account is guessed first', async () => {
    expect(await strength('lovelaceada1815', [])).toBeUndefined()
    expect(await strength('lovelaceada1815', ['lovelaceada', 'ada'])).toMatch(/^is too easy to guess/)
  })

  test('generated passwords are always good enough', async () => {
    const random = createRandom()
    for (let round = 0; round < 20; round += 1)
      expect(await strength(generatePassword(random), ['admin', 'gatehouse'])).toBeUndefined()
  })

  test('H26: a text made to keep the estimator busy holds up nobody', async () => {
    const hostile = 'p4ssw0rd'.repeat(128)
    const before = process.threadCpuUsage()
    const answers = await Promise.all([
      strength(hostile, []),
      strength('ab1!'.repeat(200), []),
      strength('correct horse battery staple', []),
    ])
    const { user, system } = process.threadCpuUsage(before)
    expect(answers[0]).toMatch(/^(?:is too easy|repeats itself)/)
    expect(answers[1]).toMatch(/^(?:is too easy|repeats itself)/)
    expect(answers[2]).toBeUndefined()
    // Microseconds of this thread alone, however busy the machine is.
    expect(user + system).toBeLessThan(100_000)
  })
})

test('when too many wait, nothing is let through unjudged', async () => {
  const { strength: busy, close: end } = createPasswordStrength()
  const answers = await Promise.all(Array.from({ length: 40 }, () => busy('correct horse battery staple', [])))
  expect(
    answers.filter((answer) => answer === 'could not be judged, since too many wait; try again').length,
  ).toBeGreaterThan(0)
  expect(answers.filter((answer) => answer === undefined).length).toBeGreaterThan(0)
  await end()
})
