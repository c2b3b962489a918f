import { z } from 'zod'
import { register } from '../../accounts/register.ts'
import { languages } from '../../i18n/messages/catalogue.ts'
import { operation, type Operation } from '../operation.ts'
import { anybody } from '../policy.ts'
import { newUser, userId } from './user-shape.ts'

const { username, full_name: fullName, email, password } = newUser.shape

const registration = z
  .strictObject({
    username: username.unwrap(),
    password: password.unwrap(),
    full_name: fullName,
    email: email.unwrap().exactOptional().meta({ description: 'Needed where the server sends letters.' }),
    language: z.enum(languages).exactOptional().meta({ description: 'Of the letter. Default: en.' }),
  })
  .meta({ id: 'Registration', description: 'An account that somebody makes for himself.' })

export const registerOperations: readonly Operation[] = [
  operation({
    method: 'POST',
    path: '/api/v1/register',
    id: 'register',
    tag: 'Oneself',
    summary: 'Make an account for oneself',
    description:
      'Where `users.registration` is `open`. Where the server sends letters the answer is 202 and the same whatever names and addresses exist: the account is made by the link in a letter. Without letters it is made at once.',
    policy: anybody,
    body: registration,
    answer: { status: 201, schema: z.strictObject({ user_id: userId }).meta({ id: 'Registered' }) },
    accepted: 'A letter is on its way, if it has to be.',
    refusals: ['conflict', 'forbidden', 'rate_limited'],
    example: {
      body: { username: 'ada', password: 'correct horse battery staple', full_name: 'Ada Lovelace' },
      answer: { user_id: 'usr_Yk0Jx1pVJm0cV4sQmC5wbQ' },
    },
    async perform({ context, body, address }) {
      const { full_name: name, language = 'en', ...rest } = body
      const wanted = { ...rest, language, address, ...(name !== undefined && { fullName: name }) }
      const registered = await register(context, wanted)
      if ('refused' in registered) return registered
      if (registered.done === 'letter sent') return { accepted: true }
      return { done: { user_id: registered.done.userId } }
    },
  }),
]
