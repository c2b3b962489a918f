import { parentPort } from 'node:worker_threads'
import { ZxcvbnFactory } from '@zxcvbn-ts/core'
import * as common from '@zxcvbn-ts/language-common'
import * as german from '@zxcvbn-ts/language-de'
import * as english from '@zxcvbn-ts/language-en'
import type { PasswordStrength } from './context.ts'

export type StrengthQuestion = { readonly password: string; readonly about: readonly string[] }
export type StrengthAnswer = Awaited<ReturnType<PasswordStrength>>

/** Up to 10^8 guesses are safely unguessable only where guessing is slowed down; 3 of 4 holds where the hash is stolen too. */
const leastScore = 3
/**
 * The estimator's time grows with the square of the length, and with every way to read `4` as `a`. Within these bounds the worst that
 * was found takes 0.2 s of a core; what so many letters are worth, more letters are worth too.
 */
const judgedCharacters = 32
const mostReadings = 20

const texts = english.translations
const named = <T extends object>(words: T): T => Object.fromEntries(Object.keys(words).map((name) => [name, name])) as T

const estimator = new ZxcvbnFactory({
  dictionary: { ...common.dictionary, ...english.dictionary, ...german.dictionary },
  graphs: common.adjacencyGraphs,
  l33tMaxSubstitutions: mostReadings,
  // Our pages say it in their own languages (i18n/messages).
  translations: { ...texts, warnings: named(texts.warnings), suggestions: named(texts.suggestions) },
})

parentPort?.on('message', ({ password, about }: StrengthQuestion) => {
  const judged = Array.from(password).slice(0, judgedCharacters).join('')
  const { score, feedback } = estimator.check(
    judged,
    about.filter((word) => word.length > 2).map((word) => word.slice(0, 2 * judgedCharacters)),
  )
  const { warning, suggestions } = feedback
  const answer: StrengthAnswer = score >= leastScore ? undefined : { score, warning: warning ?? undefined, suggestions }
  parentPort?.postMessage(answer)
})
