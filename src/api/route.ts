import type { Endpoint } from '../protocol/http.ts'

export type ApiMethod = 'GET' | 'POST' | 'PATCH' | 'DELETE'

/** One call of the REST API as a shell routes it. */
export type ApiRoute = {
  readonly method: ApiMethod
  /** `:name` stands for one segment. */
  readonly path: string
  readonly handle: Endpoint
  /** What it takes: a JSON object (an absent one counts as empty), or nothing at all. */
  readonly body: 'json' | 'none'
  /** In bytes. */
  readonly bodyLimit: number
  /** Anybody may call it, without a token. */
  readonly public: boolean
}
