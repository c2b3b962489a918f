import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

/** System calls of a running process that say when something was written, made durable and answered, in order. */
export type Trace = { readonly stop: () => Promise<readonly Call[]> }

export type Call =
  | { readonly is: 'request'; readonly text: string }
  | { readonly is: 'answer'; readonly text: string }
  /** Into the write-ahead log. */
  | { readonly is: 'write'; readonly text: string }
  /** Of the write-ahead log. */
  | { readonly is: 'sync begun' | 'sync done' }

const traced = 'read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,pwrite64,pwritev,fsync,fdatasync'
const attachMillis = 500

/** Attach strace to a process and all of its threads. */
export async function trace(pid: number, file: string): Promise<Trace> {
  const child = spawn('strace', ['-f', '-yy', '-s', '16384', '-e', `trace=${traced}`, '-o', file, '-p', String(pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()))
  const exited = new Promise((resolve) => child.once('close', resolve))
  const deadline = performance.now() + 20 * attachMillis
  while (!complaint.includes('attached') && child.exitCode === null && performance.now() < deadline) await pause(20)
  if (!complaint.includes('attached')) throw new Error(`strace can't look at the server: ${complaint}`)
  await pause(attachMillis)
  return {
    stop: async () => {
      child.kill('SIGINT')
      await exited
      return parse(readFileSync(file, 'latin1'))
    },
  }
}

function parse(text: string): readonly Call[] {
  const calls: Call[] = []
  /** Threads in the middle of a sync of the log. */
  const syncing = new Set<string>()
  for (const line of text.split('\n')) {
    const [, thread = '', rest = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? []
    const [, name = '', descriptor = ''] = /^(\w+)\(\d+<(.*?)>[,)\s]/.exec(rest) ?? []
    const log = descriptor.endsWith('-wal')
    if (name === 'fsync' || name === 'fdatasync') {
      if (!log) continue
      calls.push({ is: 'sync begun' })
      if (rest.endsWith('<unfinished ...>')) syncing.add(thread)
      else if (rest.endsWith('= 0')) calls.push({ is: 'sync done' })
    } else if (/^<\.\.\. f(?:data)?sync resumed>/.test(rest)) {
      if (syncing.delete(thread) && rest.endsWith('= 0')) calls.push({ is: 'sync done' })
    } else if (name.startsWith('pwrite')) {
      if (log) calls.push({ is: 'write', text: rest })
    } else if (descriptor.startsWith('TCP')) {
      calls.push({ is: /^(?:read|recv)/.test(name) ? 'request' : 'answer', text: rest })
    } else if (/^<\.\.\. (?:read|readv|recvfrom|recvmsg) resumed>.*(?:GET|POST|PATCH|DELETE) \//.test(rest)) {
      // What came is printed when the call returns.
      calls.push({ is: 'request', text: rest })
    }
  }
  return calls
}
