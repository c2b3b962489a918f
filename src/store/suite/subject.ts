import type { OpenStore } from '../port.ts'

/** Where one case keeps its records. */
export type Storage = {
  /** Open it. A shared storage can be opened many times, by this process and by others, and keeps its records when closed. */
  readonly open: () => Promise<OpenStore>
  /** What `openStore` takes to open the same in another process. */
  readonly address: string
  readonly remove: () => Promise<void>
  /**
   * True for an engine on which an event travels inside the record that it describes: it is durable with the answer, but
   * other openers find it under its id only a moment later, and its id isn't compared with those of other events.
   */
  readonly eventsTravel?: boolean
}

/** An adapter under proof. */
export type Subject = {
  /** A new, empty storage whose events expire a hundred seconds after they happened. */
  readonly create: () => Promise<Storage>
  /** False: the records live in one `OpenStore` and end with it. What proves more than one of them is left out. */
  readonly shared: boolean
  /** How many turns a race has, where two thousand would take too long. */
  readonly raceTurns?: number
  /** Run a program of the suite in a process of its own; its standard output, or rejects when it fails. */
  readonly runProcess: (program: URL, args: readonly string[]) => Promise<string>
}

export const eventTtl = 100

/** A requirement, and how it is proved: `run` rejects when it isn't met. */
export type StoreCase = { readonly name: string; readonly run: () => Promise<void> }

/** A proof that opens the storage as often as it likes; everything is closed and removed for it. */
export type Proof = (open: () => Promise<OpenStore>, storage: Storage) => Promise<void>

export type Proofs = Readonly<Record<string, Proof>>

export function toCases(subject: Subject, proofs: Proofs): readonly StoreCase[] {
  return Object.entries(proofs).map(([name, proof]) => ({ name, run: () => runProof(subject, proof) }))
}

async function runProof(subject: Subject, proof: Proof): Promise<void> {
  const storage = await subject.create()
  const opened: OpenStore[] = []
  try {
    await proof(async () => {
      const store = await storage.open()
      opened.push(store)
      return store
    }, storage)
  } finally {
    await Promise.all(opened.map(({ admin }) => admin.close()))
    await storage.remove()
  }
}
