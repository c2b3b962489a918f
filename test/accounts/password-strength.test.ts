import { afterAll, describe, expect, test } from 'vitest'
import { translations } from '@zxcvbn-ts/language-en'
import { passwordProblem } from '../../src/accounts/password-policy.ts'
import { createPasswordStrength } from '../../src/accounts/password-strength.ts'
import { generatePassword } from '../../src/accounts/generate-password.ts'
import { PasswordPoolBusy } from '../../src/crypto/password-pool.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { strengthWords } from '../../src/i18n/strength-words.ts'

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
    expect(await strength(password, [])).toMatchObject({ score: expect.toBeOneOf([0, 1, 2]) })
  })

  test.each(['correct horse battery staple', 'x7!kPq92mZ-w', 'grüne Möwen fahren Kahn'])(
    'late enough: %s',
    async (password) => {
      expect(await strength(password, [])).toBeUndefined()
    },
  )

  test('what belongs to the account is guessed first', async () => {
    expect(await strength('lovelaceada1815', [])).toBeUndefined()
    expect(await strength('lovelaceada1815', ['lovelaceada', 'ada'])).toMatchObject({ warning: 'userInputs' })
  })

  test('generated passwords are always good enough', async () => {
    const random = createRandom()
    for (let round = 0; round < 8; round += 1)
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
    expect(answers.slice(0, 2)).toEqual([expect.anything(), expect.anything()])
    expect(answers[2]).toBeUndefined()
    // Microseconds of this thread alone, however busy the machine is.
    expect(user + system).toBeLessThan(100_000)
  })
})

test('H26: the work is bounded by what is read, so that no clock has to judge: the worst that was found, and long names beside it', async () => {
  const worst = ['9Ue_/W/!QUQI)AsIwA#iS)C)KgYyw;-Y', '4@8({[<369&#!|10$5+7%2'.repeat(40), 'a4@'.repeat(400)]
  const about = Array.from({ length: 4 }, (_, each) => `${each}4@8({[<3`.repeat(60))
  // Loads the dictionaries, if nobody has.
  await strength('correct horse battery staple', [])
  const before = process.cpuUsage()
  for (const password of worst) await strength(password, about)
  const { user, system } = process.cpuUsage(before)
  // Of all threads, in microseconds: however slow the machine is at the moment. Unbounded, the first alone takes twice as long.
  expect((user + system) / worst.length).toBeLessThan(600_000)
})

test('every reason and suggestion that the estimator knows has words of ours', () => {
  const { warnings, suggestions } = translations
  // Nobody looks into the lists of leaked passwords here.
  const unsaid = (kind: 'warning' | 'suggestion', names: object) =>
    Object.keys(names).filter((name) => strengthWords('de', kind, name) === undefined)
  expect([unsaid('warning', warnings), unsaid('suggestion', suggestions)]).toEqual([['pwned'], ['pwned']])
})

test('the problem says why, in words of ours', async () => {
  expect((await passwordProblem(strength, 'qwertyuiop12', []))?.refused.detail).toMatch(
    /^the password is too easy to guess \([A-Z][^)]+[a-z]\); choose/,
  )
})

test('when too many wait, nothing is let through unjudged, and nothing is called weak', async () => {
  const answers = await Promise.allSettled(
    Array.from({ length: 40 }, () => strength('correct horse battery staple', [])),
  )
  const reasons = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as unknown] : []))
  expect(reasons).toHaveLength(23)
  for (const reason of reasons) expect(reason).toBeInstanceOf(PasswordPoolBusy)
  expect(answers.filter((answer) => answer.status === 'fulfilled').map(({ value }) => value)).toEqual(
    Array.from({ length: 17 }, () => undefined),
  )
  const late = expect(strength('correct horse battery staple', [])).rejects.toBeInstanceOf(PasswordPoolBusy)
  await close()
  await late
})
