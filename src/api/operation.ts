import { z } from 'zod'
import type { HttpRequest } from '../protocol/http.ts'
import type { Problem, ProblemCode } from '../protocol/problem.ts'
import type { Caller, CallerOf } from './caller.ts'
import type { ApiContext } from './context.ts'
import type { Policy } from './policy.ts'
import { readBody, readNoBody, readParams, readQuery } from './read-request.ts'
import type { Result } from './result.ts'
import type { ApiMethod } from './route.ts'

const empty = z.strictObject({})
type Empty = typeof empty

/** What performing a call is given: who calls, and the parts of the request, each of exactly the type that its schema says. */
export type Call<P extends Policy, Params extends z.ZodObject, Query extends z.ZodObject, Body extends z.ZodObject> = {
  readonly context: ApiContext
  readonly caller: CallerOf<P>
  readonly params: z.output<Params>
  readonly query: z.output<Query>
  readonly body: z.output<Body>
  /** For the audit. */
  readonly address: string
}

type Definition<
  P extends Policy,
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodObject,
  Answer extends z.ZodType,
> = {
  readonly method: ApiMethod
  /** In the form of OpenAPI: `/api/v1/users/{user_id}`. */
  readonly path: string
  /** Unique; the `operationId` of generated clients. */
  readonly id: string
  readonly tag: Tag
  /** One line; and what else there is to know. */
  readonly summary: string
  readonly description?: string
  readonly policy: P
  readonly params?: Params
  readonly query?: Query
  readonly body?: Body
  /** Whether the body may be left out altogether; it counts as an empty object then. */
  readonly bodyOptional?: true
  /** In bytes. Default: 64 KiB. */
  readonly bodyLimit?: number
  /** 204 has no schema. */
  readonly answer: { readonly status: 200 | 201; readonly schema: Answer } | { readonly status: 204 }
  /** What 202 means, where the call may answer so. */
  readonly accepted?: string
  /** What 200 means, where the call may answer so instead of 201: with the same body. */
  readonly found?: string
  /** What can go wrong beyond what the policy and the reading of every request bring with them. */
  readonly refusals?: readonly ProblemCode[]
  readonly example: { readonly body?: z.input<Body>; readonly answer?: z.input<Answer> }
  readonly perform: (call: Call<P, Params, Query, Body>) => Promise<Result<z.input<Answer>>>
}

export type Tag = 'Accounts' | 'Clients' | 'APIs' | 'Keys' | 'Events' | 'Oneself'

/** A request that was read, ready to be performed. */
export type Ready = {
  /** Members that the body named. */
  readonly named: readonly string[]
  readonly perform: (context: ApiContext, caller: Caller) => Promise<Result<unknown>>
}

/** One call of the API as data, whatever its types. */
export type Operation = {
  readonly method: ApiMethod
  readonly path: string
  readonly id: string
  readonly tag: Tag
  readonly summary: string
  readonly description?: string
  readonly policy: Policy
  readonly params: z.ZodObject
  readonly query: z.ZodObject
  readonly body: z.ZodObject | undefined
  readonly bodyOptional: boolean
  readonly bodyLimit: number
  readonly answer: { readonly status: 200 | 201 | 204; readonly schema?: z.ZodType }
  readonly accepted?: string
  readonly found?: string
  readonly refusals: readonly ProblemCode[]
  readonly example: { readonly body?: unknown; readonly answer?: unknown }
  /** Reads path, query and body, strictly. */
  readonly read: (request: HttpRequest) => Ready | { readonly refused: Problem }
}

const defaultBodyLimit = 65_536

/** Makes a line of the table. Without a policy it doesn't compile. */
export function operation<
  const P extends Policy,
  Params extends z.ZodObject = Empty,
  Query extends z.ZodObject = Empty,
  Body extends z.ZodObject = Empty,
  Answer extends z.ZodType = z.ZodUndefined,
>(definition: Definition<P, Params, Query, Body, Answer>): Operation {
  const { perform, params, query, body, bodyOptional = false, bodyLimit, refusals, ...rest } = definition
  return {
    ...rest,
    params: params ?? empty,
    query: query ?? empty,
    body,
    bodyOptional,
    bodyLimit: body === undefined ? 0 : (bodyLimit ?? defaultBodyLimit),
    refusals: refusals ?? [],
    read(request) {
      // Where a schema is left out, its type is that of the empty one.
      const readParts = {
        params: readParams(params ?? (empty as ZodObjectAs<Params>), request),
        query: readQuery(query ?? (empty as ZodObjectAs<Query>), request),
        body: body === undefined ? readNoBody(request) : readBody(body, request, bodyOptional),
      }
      if ('refused' in readParts.params) return readParts.params
      if ('refused' in readParts.query) return readParts.query
      if ('refused' in readParts.body) return readParts.body
      const { value } = readParts.body
      const parts = {
        params: readParts.params.value,
        query: readParts.query.value,
        body: value as z.output<Body>,
        address: request.peer.address,
      }
      return {
        named: Object.keys(value),
        // The pipeline has let this caller in by this very policy.
        perform: (context, caller) => perform({ ...parts, context, caller: caller as CallerOf<P> }),
      }
    },
  }
}

type ZodObjectAs<S> = S & z.ZodObject
