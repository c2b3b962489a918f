import type { Client } from '../domain/client.ts'
import type { Refusal } from '../protocol/errors.ts'
import type { GrantType as GrantTypeName } from '../protocol/grant-type.ts'
import type { HttpRequest } from '../protocol/http.ts'
import type { Parameters } from '../protocol/parameters.ts'
import type { GrantContext } from './context.ts'
import type { HandedOut, Issued } from './issue.ts'

/** A request of a client that has proved who it is. */
export type ClientRequest = {
  readonly client: Client
  readonly parameters: Parameters
  readonly http: HttpRequest
}

/** One grant type of the token endpoint. `exchange` answers only after what it did is durable. */
export type GrantType = {
  readonly name: GrantTypeName
  readonly exchange: (context: GrantContext, request: ClientRequest) => Promise<Issued | HandedOut | Refusal>
}
