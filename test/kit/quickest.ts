/**
 * The milliseconds that `action` took in the quickest of `rounds`; no more follow once one took less than `enough`. Whatever else the
 * machine does can only make a round slower, so this says most about the action itself.
 */
export async function quickest(
  action: () => unknown,
  { rounds = 10, enough = 1 }: { readonly rounds?: number; readonly enough?: number } = {},
): Promise<number> {
  let best = Infinity
  for (let round = 0; round < rounds && best >= enough; round += 1) {
    const began = performance.now()
    await action()
    best = Math.min(best, performance.now() - began)
  }
  return best
}
