/** A piece of SQL whose values were spelled here. */
export type Sql = { readonly text: string }

type Value = string | number | null | Sql | readonly Sql[]

/**
 * SQL with its values in place: numbers as digits, text as the hexadecimal of its UTF-8 bytes, so that no value can end a literal,
 * whatever the server's mode or character set.
 */
export function sql(parts: TemplateStringsArray, ...values: readonly Value[]): Sql {
  let text = parts[0] ?? ''
  for (const [index, value] of values.entries()) text += `${spelled(value)}${parts[index + 1] ?? ''}`
  return { text: text.replaceAll(/\s+/g, ' ').trim() }
}

function spelled(value: Value): string {
  if (value === null) return 'NULL'
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new TypeError('only whole numbers are stored')
    return String(value)
  }
  if (typeof value === 'string') return `x'${Buffer.from(value, 'utf8').toString('hex')}'`
  return 'text' in value ? value.text : value.map(({ text }) => text).join(', ')
}
