import { refuse, type Refusal } from './errors.ts'

export const promptValues = ['none', 'login', 'consent', 'select_account'] as const
export type Prompt = (typeof promptValues)[number]

/** Reads `prompt` (OIDC Core §3.1.2.1): known values between single spaces; `none` stands alone. */
export function parsePrompt(text: string): readonly Prompt[] | Refusal {
  if (text.length > 64) return malformed()
  const values = text.split(' ')
  if (!values.every(isPrompt)) return malformed()
  const prompts = [...new Set(values)]
  if (prompts.includes('none') && prompts.length > 1) {
    return refuse('invalid_request', 'prompt_malformed', 'prompt=none stands alone')
  }
  return prompts
}

function isPrompt(value: string): value is Prompt {
  return (promptValues as readonly string[]).includes(value)
}

function malformed(): Refusal {
  return refuse('invalid_request', 'prompt_malformed', `prompt holds only ${promptValues.join(', ')}`)
}
