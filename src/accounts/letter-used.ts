import { problem, type Problem } from '../protocol/problem.ts'

export const letterUsed: Problem = problem('not_found', {
  detail: 'the link was used before, or is too old; ask for another letter',
})
