import { fractionOf } from '../store/jitter.ts'
import { sealStep, type SealContext, type SealStep } from './seal-events.ts'

export type Sealer = {
  /** Resolves when the step under way, if any, is over. */
  readonly stop: () => Promise<void>
}

const everyMillis = 15_000
/** Between two steps of one round, so that requests keep their room. */
const breathMillis = 10

/** Seals by itself for as long as the clock can be believed. */
export function startSealer(
  context: SealContext & { readonly random: { readonly stamp: () => string } },
  options: {
    /** Why nothing may be sealed just now. */
    readonly paused: () => string | undefined
    readonly onSealed: (sealed: Extract<SealStep, { is: 'sealed' }>) => void
    readonly onError: (error: unknown) => void
    readonly everyMillis?: number
  },
): Sealer {
  const every = options.everyMillis ?? everyMillis
  const { keep, ...unchanging } = context
  // Once said, it is the chain's: two nodes that were told different things would say them in turn for ever.
  let saying: Pick<SealContext, 'keep'> = keep === undefined ? {} : { keep }
  let stopped = false
  let working: Promise<void> = Promise.resolve()
  let timer = later(every)

  function later(millis: number): NodeJS.Timeout {
    const timeout = setTimeout(() => void (working = work()), millis)
    timeout.unref()
    return timeout
  }

  async function work(): Promise<void> {
    const more = await step()
    // Nodes that were started together don't look together.
    if (!stopped) timer = later(more ? breathMillis : every * (0.5 + fractionOf(context.random.stamp())))
  }

  async function step(): Promise<boolean> {
    if (options.paused() !== undefined) return false
    try {
      const done = await sealStep({ ...unchanging, ...saying })
      if (done.is === 'sealed' || done.is === 'idle') saying = {}
      if (done.is === 'sealed') options.onSealed(done)
      return done.is === 'sealed' || done.is === 'looked'
    } catch (error) {
      options.onError(error)
      return false
    }
  }

  return {
    async stop() {
      stopped = true
      clearTimeout(timer)
      await working
    },
  }
}
