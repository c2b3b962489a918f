const longestMillis = 1

/** Makes this thread sleep, up to a millisecond and never in step with another process. Only for a thread that may. */
export function createNap(seed: number): () => void {
  const never = new Int32Array(new SharedArrayBuffer(4))
  let chance = seed
  return () => {
    chance = (Math.imul(chance, 1_664_525) + 1_013_904_223) >>> 0
    Atomics.wait(never, 0, 0, (longestMillis * chance) / 0x1_0000_0000)
  }
}
