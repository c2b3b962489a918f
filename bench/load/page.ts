/** A form as a program without JavaScript sees it: where it goes and every input's value, ticked boxes included. */
export type Form = { readonly id: string; readonly action: string; readonly fields: readonly [string, string][] }

export const parseForms = (html: string): Form[] =>
  [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].map(([, attributes = '', inside = '']) => ({
    id: attribute(attributes, 'id') ?? '',
    action: attribute(attributes, 'action') ?? '',
    fields: [...inside.matchAll(/<input\b([^>]*)>/gi)].flatMap(([, input = '']): [string, string][] => {
      const name = attribute(input, 'name')
      const type = attribute(input, 'type')
      if (name === undefined || type === 'submit') return []
      if (type === 'checkbox' && !/\bchecked\b/i.test(input)) return []
      return [[name, attribute(input, 'value') ?? '']]
    }),
  }))

const attribute = (text: string, name: string): string | undefined => {
  const match = new RegExp(`(?:^|\\s)${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`, 'i').exec(text)
  const value = match?.[1] ?? match?.[2] ?? match?.[3]
  return value === undefined ? undefined : decode(value)
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"' }

const decode = (text: string): string =>
  text.replaceAll(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (whole, decimal?: string, hex?: string, name?: string) => {
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal))
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16))
    return ENTITIES[name ?? ''] ?? whole
  })
