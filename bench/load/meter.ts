/** Counts what happens while it is on. Latencies are kept whole, so percentiles are exact. */
export type Meter = {
  readonly countRequest: () => void
  readonly countFlow: (milliseconds: number) => void
  readonly start: () => void
  readonly pause: () => void
  /** Of all that it was on for. */
  readonly read: () => Measured
  readonly flows: () => number
}

export type Measured = { readonly requests: number; readonly flows: number; readonly p50: number; readonly p99: number }

export const makeMeter = (): Meter => {
  let on = false
  let requests = 0
  let flows = 0
  let latencies = new Float64Array(1 << 16)
  return {
    countRequest: () => {
      if (on) requests++
    },
    countFlow: (milliseconds) => {
      if (!on) return
      if (flows === latencies.length) {
        const larger = new Float64Array(latencies.length * 2)
        larger.set(latencies)
        latencies = larger
      }
      latencies[flows++] = milliseconds
    },
    start: () => {
      on = true
    },
    flows: () => flows,
    pause: () => {
      on = false
    },
    read: () => {
      const sorted = latencies.subarray(0, flows).toSorted()
      const at = (share: number): number => sorted[Math.min(flows - 1, Math.floor(flows * share))] ?? 0
      return { requests, flows, p50: at(0.5), p99: at(0.99) }
    },
  }
}
