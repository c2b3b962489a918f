import { SinkFailed, type EventSink } from './sink.ts'

/** What of the guarded client is needed: `outbound/` is one. */
export type SendOut = (request: {
  readonly url: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly allowInsecure: boolean
}) => Promise<{ readonly status: number }>

/** A collector that takes JSON lines by POST. It is asked whether it is there by the same request without a line. */
export function createHttpSink(
  target: {
    readonly url: string
    readonly allowInsecure: boolean
    readonly authorization?: { readonly reveal: () => string }
  },
  send: SendOut,
): EventSink {
  async function post(body: string): Promise<void> {
    const { url, allowInsecure, authorization } = target
    const headers = {
      'content-type': 'application/x-ndjson',
      ...(authorization !== undefined && { authorization: authorization.reveal() }),
    }
    const { status } = await send({ url, method: 'POST', headers, body, allowInsecure })
    if (status < 200 || status > 299) throw new SinkFailed(`the collector answered ${status}`)
  }

  return { deliver: post, probe: () => post(''), close: async () => undefined }
}
