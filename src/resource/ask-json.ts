import { parseJsonObject, type JsonObject } from '../crypto/strict-json.ts'

export type Fetch = (url: string, init: RequestInit) => Promise<Response>

const patienceMillis = 5_000
const longestAnswer = 262_144

/** A JSON object from the server, or undefined: no answer in five seconds, a redirect, another status, too long, no JSON. */
export async function askJson(fetch: Fetch, url: string, init: RequestInit = {}): Promise<JsonObject | undefined> {
  try {
    const answer = await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(patienceMillis) })
    if (!answer.ok || answer.body === null) {
      await answer.body?.cancel()
      return undefined
    }
    const chunks: Uint8Array[] = []
    let length = 0
    for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
      length += chunk.length
      if (length > longestAnswer) return undefined
      chunks.push(chunk)
    }
    return parseJsonObject(Buffer.concat(chunks))
  } catch {
    return undefined
  }
}
