import { problem, type Problem } from '../protocol/problem.ts'

export const noSuchUser: Problem = problem('not_found', { detail: 'there is no such account' })
