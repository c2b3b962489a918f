import { readdirSync, readFileSync } from 'node:fs'

/** What the kernel says about a process and its children. Linux only: the figures come from /proc. */
export type Usage = { readonly cpuMicroseconds: number; readonly rssBytes: number }

// USER_HZ is 100 on every Linux that Node runs on; utime + stime is the scheduler's exact run time, rounded to it.
const MICROSECONDS_PER_TICK = 10_000

/** All threads of the process (finished ones too), and of its descendants: a writer thread's fsync or a worker's share isn't free. */
export const usageOf = (pid: number): Usage => {
  const tree = processTree(pid)
  return {
    cpuMicroseconds: tree.reduce((sum, each) => sum + cpuTicks(each), 0) * MICROSECONDS_PER_TICK,
    rssBytes: tree.reduce((sum, each) => sum + residentBytes(each), 0),
  }
}

/** What the process and its children had written to a disk; nothing on a tmpfs. */
export const writtenBytesOf = (pid: number): number =>
  processTree(pid).reduce((sum, each) => {
    const [, bytes = '0'] = /^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${each}/io`, 'utf8')) ?? []
    return sum + Number(bytes)
  }, 0)

const processTree = (pid: number): number[] => {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return [pid, ...(children === '' ? [] : children.split(' ').flatMap((child) => processTree(Number(child))))]
}

const cpuTicks = (pid: number | string): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name stands in parentheses and may hold blanks: count fields after it. utime is field 14, stime 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}

/** CPU so far by thread name: the main thread bears the process's name, V8's and libuv's helpers and workers their own. */
export const cpuByThread = (pid: number): ReadonlyMap<string, number> => {
  const threads = new Map<string, number>()
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const name = Number(task) === pid ? 'main' : readFileSync(`/proc/${pid}/task/${task}/comm`, 'utf8').trim()
    threads.set(name, (threads.get(name) ?? 0) + cpuTicks(`${pid}/task/${task}`) * MICROSECONDS_PER_TICK)
  }
  return threads
}

const residentBytes = (pid: number): number => {
  const [, kibibytes = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kibibytes) * 1024
}
