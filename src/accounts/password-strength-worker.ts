import { parentPort } from 'node:worker_threads'
import { ZxcvbnFactory } from '@zxcvbn-ts/core'
import * as common from '@zxcvbn-ts/language-common'
import * as german from '@zxcvbn-ts/language-de'
import * as english from '@zxcvbn-ts/language-en'

export type StrengthQuestion = { readonly password: string; readonly about: readonly string[] }
/** `ready` once, before the first answer. */
export type StrengthAnswer = 'ready' | { readonly problem: string | undefined }

/** Up to 10^8 guesses are safely unguessable only where guessing is slowed down; 3 of 4 holds where the hash is stolen too. */
const leastScore = 3
/** The estimator's time grows fast with length; what these letters are worth, more letters are worth too. */
const judgedCharacters = 32

const estimator = new ZxcvbnFactory({
  dictionary: { ...common.dictionary, ...english.dictionary, ...german.dictionary },
  graphs: common.adjacencyGraphs,
  translations: english.translations,
})

parentPort?.on('message', ({ password, about }: StrengthQuestion) => {
  const judged = Array.from(password).slice(0, judgedCharacters).join('')
  const { score, feedback } = estimator.check(
    judged,
    about.filter((word) => word.length > 2),
  )
  const why = feedback.warning ?? ''
  const problem =
    score >= leastScore
      ? undefined
      : `is too easy to guess${why === '' ? '' : ` (${why.replace(/\.$/, '')})`}; choose a few words that do not belong together`
  parentPort?.postMessage({ problem } satisfies StrengthAnswer)
})
parentPort?.postMessage('ready' satisfies StrengthAnswer)
