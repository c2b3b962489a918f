/** What is known of something that may not answer, by one process and by its monotonic clock in milliseconds. */
export type Circuit = {
  /** In a row: any answer ends it. */
  readonly failures: number
  /** Since the first of them was told. */
  readonly since: number
  /** Where it is open: when the next one may find out whether it answers again. */
  readonly askAgainAt: number
}

export const closedCircuit: Circuit = { failures: 0, since: 0, askAgainAt: 0 }

/** Fewer are bad luck, whoever they met. */
const failuresAllowed = 5
/** A server that is restarted, or one batch that it gave up, is waited for as if there were no circuit. */
const failingMillis = 1_000
/** Short, since whoever is first to get an answer lets everybody in. */
const pauseMillis = 500

/** Whether somebody may ask now, and what is known if he does; undefined: he would wait for nothing. */
export function enterCircuit(circuit: Circuit, now: number): Circuit | undefined {
  if (!isOpen(circuit, now)) return circuit
  return now < circuit.askAgainAt ? undefined : { ...circuit, askAgainAt: now + pauseMillis }
}

/** After one more failure. After an answer it is `closedCircuit`. */
export function afterFailure(circuit: Circuit, now: number): Circuit {
  const since = circuit.failures === 0 ? now : circuit.since
  const next = { ...circuit, failures: circuit.failures + 1, since }
  return isOpen(next, now) ? { ...next, askAgainAt: now + pauseMillis } : next
}

function isOpen({ failures, since }: Circuit, now: number): boolean {
  return failures >= failuresAllowed && now >= since + failingMillis
}
