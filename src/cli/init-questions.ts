import { createInterface } from 'node:readline/promises'
import { CliFailure } from './failure.ts'
import type { Io } from './io.ts'

/** What `init` wants to know. */
export type InitAnswers = {
  readonly issuer: string
  /** Empty: the SQLite file in the data directory, as for every other command. */
  readonly store: string
  readonly registration: string
  /** URL of a mail server, and who writes; empty: no letters. */
  readonly smtp: string
  readonly from: string
}

export const initDefaults: InitAnswers = {
  issuer: 'http://localhost:8080',
  store: '',
  registration: 'closed',
  smtp: '',
  from: '',
}

const questions: readonly (readonly [
  name: keyof InitAnswers,
  question: string,
  when?: (so: InitAnswers) => boolean,
])[] = [
  ['issuer', 'At which address will people and programs reach it?'],
  ['store', 'Where is everything kept? (sqlite:, postgres:, mysql: or dynamodb:)'],
  ['registration', 'Who may make an account: closed, invite or open?'],
  ['smtp', 'Which mail server sends letters? (smtps://HOST; nothing: no letters)'],
  ['from', 'From which address do they come?', ({ smtp }) => smtp !== ''],
]

/** Asks at the terminal, each with what Enter means (`data` is the directory that it would be kept in); what a flag said isn't asked. */
export async function askInit(io: Io, said: Partial<InitAnswers>, data: string): Promise<InitAnswers> {
  if (!io.stdin.isTTY)
    throw new CliFailure('there is no terminal to ask at; add --yes for the defaults, or say them by flags', {
      exitCode: 2,
    })
  const terminal = createInterface({ input: io.stdin, output: undefined })
  let answers: InitAnswers = { ...initDefaults, ...said }
  try {
    for (const [name, question, when = () => true] of questions) {
      if (name in said || !when(answers)) continue
      const standard = name === 'store' ? `sqlite:${data}/gatehouse.db` : initDefaults[name]
      io.err(`${question}${standard === '' ? '' : ` [${standard}]`} `)
      const answer = (await terminal.question('')).trim()
      if (answer !== '') answers = { ...answers, [name]: answer }
    }
  } finally {
    terminal.close()
  }
  return answers
}
