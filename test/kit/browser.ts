/** An answer as tests look at it: nothing was followed. */
export type Answer = {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly location: string | undefined
  /** The JSON body, or a thrown error. */
  readonly json: () => Record<string, unknown>
}

export type Ask = {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly form?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string
}

/** A program with a cookie jar that follows nothing by itself. */
export type Browser = {
  readonly ask: (pathOrUrl: string, ask?: Ask) => Promise<Answer>
  readonly cookies: Map<string, string>
}

export function formBody(form: NonNullable<Ask['form']>): string {
  const body = new URLSearchParams()
  for (const [name, value] of Object.entries(form)) {
    for (const one of typeof value === 'string' ? [value] : value) body.append(name, one)
  }
  return body.toString()
}

export function createBrowser(base: string, defaults: Readonly<Record<string, string>> = {}): Browser {
  const cookies = new Map<string, string>()
  return {
    cookies,
    ask: async (pathOrUrl, { method, headers, form, body } = {}) => {
      const sent = form === undefined ? body : formBody(form)
      const response = await fetch(new URL(pathOrUrl, base), {
        method: method ?? (sent === undefined ? 'GET' : 'POST'),
        redirect: 'manual',
        headers: {
          ...(cookies.size === 0 ? {} : { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') }),
          ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
          ...defaults,
          ...headers,
        },
        ...(sent === undefined ? {} : { body: sent }),
      })
      for (const line of response.headers.getSetCookie()) {
        const [pair = ''] = line.split(';', 1)
        const name = pair.slice(0, pair.indexOf('='))
        if (/max-age=0/i.test(line)) cookies.delete(name)
        else cookies.set(name, pair.slice(pair.indexOf('=') + 1))
      }
      const text = await response.text()
      return {
        status: response.status,
        headers: response.headers,
        text,
        location: response.headers.get('location') ?? undefined,
        json: () => JSON.parse(text) as Record<string, unknown>,
      }
    },
  }
}

export type Form = { readonly id: string; readonly action: string; readonly fields: Record<string, string | string[]> }

/** The form of a page with all of its inputs, as a simple program would read it (CONTRACT: pages work so). */
export function readForm(page: string, id: string): Form {
  const match = new RegExp(`<form id="${id}"[^>]*action="([^"]*)"[^>]*>([\\s\\S]*?)</form>`).exec(page)
  if (match === null) throw new Error(`the page has no form #${id}: ${page.slice(0, 400)}`)
  const fields: Record<string, string | string[]> = {}
  // A form for passkeys: its script adds what stands here.
  const added = / data-hidden="([^"]*)"/.exec(match[0].slice(0, match[0].indexOf('>')))?.[1]
  for (const { name, value } of JSON.parse(unescapeHtml(added ?? '[]')) as { name: string; value: string }[])
    fields[name] = value
  for (const [tag] of (match[2] ?? '').matchAll(/<input\b[^>]*>/g)) {
    const attribute = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1]
    const name = attribute('name')
    if (name === undefined || (attribute('type') === 'checkbox' && !/\bchecked\b/.test(tag))) continue
    const value = unescapeHtml(attribute('value') ?? '')
    const before = fields[name]
    fields[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value]
  }
  return { id, action: unescapeHtml(match[1] ?? ''), fields }
}

export function unescapeHtml(text: string): string {
  return text.replace(/&(?:amp|lt|gt|quot|#39|#x27);/g, (entity) => entities[entity] ?? entity)
}

const entities: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
  '&#x27;': "'",
}

/** The wire code of an error page, or undefined if it is none. */
export function errorOf(page: string): string | undefined {
  return /id="error" data-error="([^"]*)"/.exec(page)?.[1]
}
