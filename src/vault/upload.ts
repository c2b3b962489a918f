import { BodyRefused } from './without-secrets.ts'

/** What is kept in memory, so that a call can be made a second time after its token was renewed. */
const mostKept = 64 * 1024

export type Upload =
  /** All of it; absent: there is none. */
  | { readonly whole: Uint8Array | undefined }
  /** It can be sent once. */
  | { readonly once: AsyncIterable<Uint8Array> }

/** The beginning of a body, or all of it if it is short. Throws BodyRefused. */
export async function beginUpload(body: AsyncIterable<Uint8Array> | undefined, most: number): Promise<Upload> {
  if (body === undefined) return { whole: undefined }
  const iterator = body[Symbol.asyncIterator]()
  const first: Uint8Array[] = []
  let size = 0
  for (;;) {
    const next = await nextOf(iterator)
    if (next.done === true) return { whole: Buffer.concat(first) }
    size += next.value.length
    if (size > most) throw new BodyRefused('too_large')
    first.push(next.value)
    if (size > mostKept) return { once: rest(first, iterator, most - size) }
  }
}

async function* rest(
  first: readonly Uint8Array[],
  iterator: AsyncIterator<Uint8Array>,
  most: number,
): AsyncGenerator<Uint8Array, void> {
  yield* first
  let left = most
  for (;;) {
    const next = await nextOf(iterator)
    if (next.done === true) return
    left -= next.value.length
    if (left < 0) throw new BodyRefused('too_large')
    yield next.value
  }
}

/** Whoever sends may go away. */
async function nextOf(iterator: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array, unknown>> {
  try {
    return await iterator.next()
  } catch {
    throw new BodyRefused('broken')
  }
}
