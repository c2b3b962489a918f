import { table } from '../report/table.ts'
import type { Counters } from './engine.ts'

/** One flow, or raw rows, at one concurrency. */
export type Measured = { readonly flow: string; readonly lanes: number; readonly per: Per; readonly rate: number }
/** For one flow, or one raw row. */
export type Per = Counters & { readonly ourCpuMicroseconds: number }

type Column = {
  readonly title: string
  readonly of: (one: Measured, raw: Measured | undefined) => string
}

const whole = (value: number): string => Math.round(value).toLocaleString('en-GB')
const cpuOf = ({ per }: Measured): number => per.ourCpuMicroseconds + per.cpuMicroseconds

const columns: readonly Column[] = [
  { title: '', of: ({ flow }) => flow },
  { title: 'at once', of: ({ lanes }) => String(lanes) },
  { title: '/s', of: ({ rate }) => whole(rate) },
  { title: 'our CPU µs', of: ({ per }) => per.ourCpuMicroseconds.toFixed(1) },
  { title: 'store CPU µs', of: ({ per }) => per.cpuMicroseconds.toFixed(1) },
  { title: 'bytes', of: ({ per }) => whole(per.writtenBytes) },
  { title: 'fsyncs', of: ({ per }) => per.fsyncs.toFixed(3) },
  { title: 'round trips', of: ({ per }) => per.roundTrips.toFixed(3) },
  {
    title: 'raw CPU ÷',
    of: (one, raw) => (raw === undefined || raw === one ? '' : (cpuOf(raw) / cpuOf(one)).toFixed(2)),
  },
  { title: '÷ raw /s', of: (one, raw) => (raw === undefined || raw === one ? '' : (one.rate / raw.rate).toFixed(2)) },
]

/** Where a store is paid by what it is asked, that, and nothing of a CPU and a disk that aren't its own. */
const billed: readonly Column[] = [
  ...columns.filter(({ title }) => !['store CPU µs', 'fsyncs'].includes(title)),
  { title: 'write units', of: ({ per }) => (per.writeUnits ?? 0).toFixed(2) },
  { title: 'read units', of: ({ per }) => (per.readUnits ?? 0).toFixed(2) },
]

/** A store's table. */
export function printed(measured: readonly Measured[]): string {
  const shown = measured.some(({ per }) => per.writeUnits !== undefined) ? billed : columns
  const rows = measured.map((one) => {
    const raw = measured.find(({ flow, lanes }) => flow === 'raw rows' && lanes === one.lanes)
    return shown.map(({ of }) => of(one, raw))
  })
  return table(
    shown.map(({ title }) => title),
    rows,
  )
}
