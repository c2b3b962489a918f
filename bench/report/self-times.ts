/** The parts of V8's .cpuprofile that are read here. */
export type CpuProfile = {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

type Times = readonly (readonly [name: string, microseconds: number])[]

/** Self time by function and by folder or package, over the profile's last seconds, largest first. */
export const selfTimes = (profile: CpuProfile, lastSeconds: number): { functions: Times; places: Times } => {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, describe(callFrame)]))
  const functions = new Map<string, number>()
  const places = new Map<string, number>()
  let left = lastSeconds * 1e6
  for (let index = profile.samples.length - 1; index >= 0 && left > 0; index--) {
    const microseconds = profile.timeDeltas[index] ?? 0
    left -= microseconds
    const name = names.get(profile.samples[index] ?? -1)
    if (name === undefined || name.function === '(idle)') continue
    functions.set(name.function, (functions.get(name.function) ?? 0) + microseconds)
    places.set(name.place, (places.get(name.place) ?? 0) + microseconds)
  }
  return { functions: largestFirst(functions), places: largestFirst(places) }
}

const largestFirst = (times: ReadonlyMap<string, number>): Times => [...times].toSorted((a, b) => b[1] - a[1])

const describe = ({
  functionName,
  url,
  lineNumber,
}: CpuProfile['nodes'][number]['callFrame']): { function: string; place: string } => {
  const name = functionName === '' ? '(anonymous)' : functionName
  if (url === '') return { function: name, place: name.startsWith('(') ? name : '(native)' }
  if (url.startsWith('node:'))
    return { function: `${name} ${url}:${lineNumber + 1}`, place: url.split('/', 2).join('/') }
  const path = url.replace(/^file:\/\//, '').replace(/^.*\/node_modules\//, 'node_modules/')
  const short = path.replace(/^.*\/((?:src|dist|bench)\/)/, '$1')
  const place = short.startsWith('node_modules/')
    ? short
        .split('/')
        .slice(0, short.startsWith('node_modules/@') ? 3 : 2)
        .join('/')
    : short.split('/').slice(0, -1).join('/')
  return { function: `${name} ${short}:${lineNumber + 1}`, place }
}
