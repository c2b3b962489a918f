import { describe, expect, test } from 'vitest'
import type { Page } from '../../src/pages/page.ts'
import { gallery, presentation, sha256, words } from './gallery.ts'
import { scanHtml } from './scan-html.ts'

const header = (page: Page, name: string): string | undefined => {
  const lines = page.headers.filter(([line]) => line === name)
  expect(lines.length, `${name} comes once at most`).toBeLessThan(2)
  return lines[0]?.[1]
}
const directives = (page: Page): ReadonlyMap<string, string> =>
  new Map(
    (header(page, 'content-security-policy') ?? '').split('; ').map((directive) => {
      const [name = '', ...sources] = directive.split(' ')
      return [name, sources.join(' ')]
    }),
  )

/** Pages whose form may end in a redirect to an application. */
const towardsClient =
  /^(?:connect-|newcomer|identities|site-login|sign-in|second-factor|mail-code|continue|consent|form-post|sign-out)/

/** Where the forms of a page lead: to an application in the end, back to us, or nowhere, since it has none. */
function formsOf(page: Page, name: string): 'client' | 'here' | 'none' {
  if (towardsClient.test(name)) return 'client'
  return scanHtml(page.body).tags.some((tag) => tag.name === 'form') ? 'here' : 'none'
}

describe.each(gallery)('$name', ({ name, render }) => {
  const page = render(presentation, words)

  test('B20, G15, G24: nothing may run, frame, cache, refer or sniff', () => {
    expect(header(page, 'content-type')).toBe('text/html; charset=utf-8')
    expect(header(page, 'referrer-policy')).toBe('no-referrer')
    expect(header(page, 'cache-control')).toBe('no-store')
    expect(header(page, 'x-content-type-options')).toBe('nosniff')
    expect(header(page, 'x-frame-options')).toBe('DENY')
    expect(header(page, 'cross-origin-resource-policy')).toBe('same-origin')
    expect(header(page, 'permissions-policy')).toContain('camera=()')
    const policy = directives(page)
    expect(policy.get('default-src')).toBe("'none'")
    expect(policy.get('base-uri')).toBe("'none'")
    expect(policy.get('frame-ancestors')).toBe("'none'")
    expect(policy.get('img-src')).toBe('data:')
    expect(header(page, 'content-security-policy')).not.toMatch(/unsafe|\*|https?:/)
  })

  test('the policy allows the one stylesheet, and a script only on the page that sends itself and on those that ask for a passkey', () => {
    const style = /<style>([^<]*)<\/style>/.exec(page.body)?.[1] ?? ''
    const script = /<script>([^<]*)<\/script>/.exec(page.body)?.[1]
    expect(directives(page).get('style-src')).toBe(`'sha256-${sha256(style)}'`)
    expect(script !== undefined).toBe(name === 'form-post')
    const loads = page.body.includes('<script src="/passkey.js" defer></script>')
    expect(loads).toBe(name.endsWith('passkey') || name.endsWith('passkeys'))
    const own = loads ? "'self'" : undefined
    expect(directives(page).get('script-src')).toBe(script === undefined ? own : `'sha256-${sha256(script)}'`)
  })

  test('a form that may end at an application names no form-action and cuts off no pop-up; every other page does both', () => {
    const forms = formsOf(page, name)
    expect(directives(page).get('form-action')).toBe({ client: undefined, here: "'self'", none: "'none'" }[forms])
    expect(header(page, 'cross-origin-opener-policy')).toBe(forms === 'client' ? undefined : 'same-origin')
  })

  test('a page with a form to us keeps its Origin', () => {
    const referrer = scanHtml(page.body).tags.find((tag) => tag.attributes.get('name') === 'referrer')
    const keeps = formsOf(page, name) !== 'none' && name !== 'form-post'
    expect(referrer?.attributes.get('content')).toBe(keeps ? 'same-origin' : undefined)
  })
})
