/** What an API needs to know of a token: who is behind it and what it may do; or why it is no good. */
export type Checked =
  | { readonly subject: string; readonly name: string; readonly scope: readonly string[] }
  | { readonly invalid: string }
  /** Nobody could say. That is no reason to let somebody in, nor to call the token bad. */
  | { readonly unavailable: true }

export type Guard = (token: string) => Promise<Checked>

/** `WWW-Authenticate` of RFC 6750 §3: what is wrong with the token, and which scope would do. */
export function challenge(error?: string, description?: string, scope?: string): string {
  const parts = Object.entries({ error, error_description: description, scope }).filter(
    ([, value]) => value !== undefined,
  )
  return ['Bearer realm="examples"', ...parts.map(([name, value]) => `${name}="${value}"`)].join(', ')
}
