/** What a verb answers: one JSON document, and the same for people. */
export type Answer = {
  readonly json: unknown
  readonly text: string
  /** It was answered, and the answer is bad news: the line that says so, and exit code 1. */
  readonly failure?: string
}

type Row = Readonly<Record<string, unknown>>

/** Columns as wide as their widest cell. Nothing that a stranger named can move the cursor. */
export function table(rows: readonly Row[], columns: readonly string[]): string {
  if (rows.length === 0) return 'none\n'
  const cells = [columns, ...rows.map((row) => columns.map((column) => cell(row[column])))]
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => line[index]?.length ?? 0)))
  return cells
    .map(
      (line) =>
        `${line
          .map((text, index) => text.padEnd(widths[index] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

/** One line for each member that has a value; of a list whose entries hold spaces, one for each entry. */
export function card(document: Row): string {
  const shown = Object.entries(document).filter(([, value]) => !isEmpty(value))
  const width = Math.max(...shown.map(([name]) => name.length))
  return shown
    .flatMap(([name, value]) =>
      linesOf(value).map((line, index) => `${(index === 0 ? name : '').padEnd(width)}  ${line}\n`),
    )
    .join('')
}

function linesOf(value: unknown): readonly string[] {
  const entries = Array.isArray(value) ? value.map(cell) : []
  return entries.some((entry) => entry.includes(' ')) ? entries : [cell(value)]
}

const isEmpty = (value: unknown): boolean =>
  value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0)

function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'string')
    return value.replace(/[\0-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '\ufffd')
  if (Array.isArray(value)) return value.map(cell).join(' ')
  return JSON.stringify(value)
}

/** Seconds since 1970 as people read them. */
export const instant = (seconds: unknown): string =>
  typeof seconds === 'number' ? new Date(seconds * 1000).toISOString().replace('.000Z', 'Z') : ''
