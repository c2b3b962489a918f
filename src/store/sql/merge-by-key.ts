/** Several lists in key order, as one in key order. Keys compare by their UTF-8 bytes. */
export async function* mergeByKey<T extends { readonly id: string }>(
  lists: readonly AsyncIterator<T>[],
): AsyncGenerator<T> {
  const heads: { readonly list: AsyncIterator<T>; value: T; key: Buffer }[] = []
  for (const list of lists) {
    const next = await list.next()
    if (next.done !== true) heads.push({ list, value: next.value, key: Buffer.from(next.value.id) })
  }
  for (;;) {
    let first = heads[0]
    if (first === undefined) return
    for (const head of heads) if (Buffer.compare(head.key, first.key) < 0) first = head
    yield first.value
    const next = await first.list.next()
    if (next.done === true) heads.splice(heads.indexOf(first), 1)
    else {
      first.value = next.value
      first.key = Buffer.from(next.value.id)
    }
  }
}
