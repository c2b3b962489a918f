import type { HeaderLine } from '../protocol/http.ts'

/**
 * Where the page's form may end up.
 * `here`: it stays on this server. `client`: its answer may be a redirect to an application. `none`: there is no form.
 */
export type FormTarget = 'here' | 'client' | 'none'

export type HeaderNeeds = {
  readonly stylesheetHash: string
  /** Only the form_post page has a script in itself. */
  readonly scriptHash?: string
  /** It loads a script of ours from here. */
  readonly ownScript?: boolean
  /** Its script asks this server something. */
  readonly asks?: boolean
  readonly forms: FormTarget
}

/** The headers of every page. Nothing may load, run, frame, cache or refer; what differs between pages is `needs`. */
export function securityHeaders(needs: HeaderNeeds): readonly HeaderLine[] {
  return [
    ['content-type', 'text/html; charset=utf-8'],
    ['content-security-policy', contentSecurityPolicy(needs)],
    // The page that a form stands on needs its Origin kept: `layout` says how.
    ['referrer-policy', 'no-referrer'],
    ['x-content-type-options', 'nosniff'],
    ['x-frame-options', 'DENY'],
    ['cache-control', 'no-store'],
    ...openerPolicy(needs.forms),
    ['cross-origin-resource-policy', 'same-origin'],
    ['permissions-policy', 'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()'],
  ]
}

/**
 * `form-action` covers the *whole* chain of redirects behind a form, not just its first address: Chromium 156 refuses the redirect
 * to the client, and with the client's origin allowed it still refuses the hop that the client's own callback makes (tried, see
 * test/pages/form-action.test.ts). Where a callback leads is not ours to know, so a page whose form may end at an application names no
 * `form-action`; every other page does. What remains there: no script, no base, no foreign resource, and no markup from outside.
 */
function contentSecurityPolicy({ stylesheetHash, scriptHash, ownScript, asks, forms }: HeaderNeeds): string {
  return [
    "default-src 'none'",
    `style-src '${stylesheetHash}'`,
    ...(scriptHash === undefined ? [] : [`script-src '${scriptHash}'`]),
    ...(ownScript === true ? ["script-src 'self'"] : []),
    ...(asks === true ? ["connect-src 'self'"] : []),
    // Only the tab's icon and a configured logo, which are part of the page; nothing can be fetched through it.
    'img-src data:',
    "base-uri 'none'",
    "frame-ancestors 'none'",
    ...(forms === 'client' ? [] : [`form-action ${forms === 'here' ? "'self'" : "'none'"}`]),
  ].join('; ')
}

/**
 * `same-origin` cuts a pop-up off from the window that opened it, for good: a single-page app that signs in through a pop-up would
 * wait for ever (tried in Chromium 156: the opener sees it as closed). So pages on the way to an application don't set it.
 */
function openerPolicy(forms: FormTarget): readonly HeaderLine[] {
  return forms === 'client' ? [] : [['cross-origin-opener-policy', 'same-origin']]
}
