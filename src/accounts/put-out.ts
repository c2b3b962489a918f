import { problem, type Problem } from '../protocol/problem.ts'

export const putOut: Problem = problem('forbidden', { detail: 'the sign-in that asked for it has ended' })
