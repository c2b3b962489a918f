import { ref, type Ref } from '../domain/record.ts'
import { problem, type Problem } from '../protocol/problem.ts'

/** Under which name a proved address belongs to one account. Case is folded: no mail server in use tells `Ada@` from `ada@`. */
export function emailRef(address: string): Ref<'name'> {
  return ref('name', `email:${address.normalize('NFC').toLowerCase()}`)
}

export const emailTaken: Problem = problem('conflict', {
  field: 'email',
  detail: 'the address belongs to another account',
})
