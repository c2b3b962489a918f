import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/**
 * How far the space for what requests leave behind may grow: as far as it saves collections. Growing on, up to 128 MB as V8 would
 * let it, costs memory and gains nothing; held at the 2 MB that it begins with, a request costs a third more.
 */
const enoughBytes = 32 * 1024 * 1024
const lookMillis = 100

/**
 * Nothing that a start leaves behind lives long, so that space stays as small as it begins: 13 MB less when idle. V8 reads how large
 * it may become only before the first line of ours runs, but by which factor it grows each time that it does.
 */
export function holdHeap(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}

/** From now on there are requests. It goes on looking, since V8 gives the space back in quiet times. */
export function letHeapGrow(): void {
  let held = true
  const look = (): void => {
    const hold = youngBytes() >= enoughBytes
    if (hold === held) return
    held = hold
    if (hold) holdHeap()
    else setFlagsFromString('--semi-space-growth-factor=2')
  }
  look()
  setInterval(look, lookMillis).unref()
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0
}
