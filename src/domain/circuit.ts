/** What is known of something that may not answer, by one process and by its monotonic clock in milliseconds. */
export type Circuit = {
  /** In a row: any answer to one of the suspects ends it. */
  readonly failures: number
  /** Since the first of them was told. */
  readonly since: number
  /** Nobody, or nobody who asks for a suspect, asks before. */
  readonly askAgainAt: number
  /**
   * What was asked for each time that it failed: as long as there is such a thing, it may be that one (a partition that is throttled
   * or gone) and not all of it. Empty: nothing explains every failure but that nobody is there.
   */
  readonly suspects: readonly string[]
  /** Somebody who asked for no suspect had an answer since. */
  readonly answersOthers: boolean
}

export const closedCircuit: Circuit = { failures: 0, since: 0, askAgainAt: 0, suspects: [], answersOthers: false }

/** How long failures are borne, in milliseconds. */
export type Patience = {
  /** Failures are waited for as if there were no circuit until they have lasted so long. */
  readonly failingMillis: number
  /** How long the one who finds out may take before the next one tries. */
  readonly probeMillis: number
  /** After so many failures beyond those that are allowed. */
  readonly pauseMillis: (beyond: number) => number
}

/** Fewer are bad luck, whoever they met. */
const failuresAllowed = 5

/** What somebody asks for, in whatever names tell one thing from another; none where it is nothing of its own. */
type Asked = { readonly now: number; readonly asked?: readonly string[] }

/** Whether somebody may ask now, and what is known if he does; undefined: he would wait for nothing. */
export function enterCircuit(circuit: Circuit, patience: Patience, { now, asked = [] }: Asked): Circuit | undefined {
  const { suspects, askAgainAt } = circuit
  if (suspects.length > 0 && !asked.some((one) => suspects.includes(one))) return circuit
  if (now < askAgainAt) return undefined
  return isOpen(circuit, patience, now) ? { ...circuit, askAgainAt: now + patience.probeMillis } : circuit
}

/** After one more failure. `atLeastMillis`: what was failed at said itself when to come again. */
export function afterFailure(
  circuit: Circuit,
  patience: Patience,
  { now, asked = [], atLeastMillis = 0 }: Asked & { readonly atLeastMillis?: number },
): Circuit {
  const common = circuit.failures === 0 ? asked : circuit.suspects.filter((one) => asked.includes(one))
  // Two things failed, each by itself, while others were answered: neither tells anything of the rest.
  const before = common.length === 0 && circuit.answersOthers ? closedCircuit : circuit
  const next = {
    ...before,
    failures: before.failures + 1,
    since: before.failures === 0 ? now : before.since,
    suspects: before === circuit ? common : asked,
  }
  const pause = isOpen(next, patience, now) ? patience.pauseMillis(next.failures - failuresAllowed) : 0
  return { ...next, askAgainAt: Math.max(next.askAgainAt, now + Math.max(pause, atLeastMillis)) }
}

/** After an answer: whatever it was about isn't it. */
export function afterAnswer(circuit: Circuit, asked: readonly string[] = []): Circuit {
  const suspects = circuit.suspects.filter((one) => !asked.includes(one))
  return suspects.length === 0 ? closedCircuit : { ...circuit, suspects, answersOthers: true }
}

function isOpen({ failures, since }: Circuit, { failingMillis }: Patience, now: number): boolean {
  return failures >= failuresAllowed && now >= since + failingMillis
}
