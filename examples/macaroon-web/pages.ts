import type { IntrospectionResponse } from 'openid-client'

const signs: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const escape = (text: unknown): string => String(text).replaceAll(/[&<>"']/g, (sign) => signs[sign] ?? sign)

const page = (body: string): string => `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Garden</title>
<style>body{font:16px/1.5 system-ui;max-width:40rem;margin:3rem auto;padding:0 1rem}code{overflow-wrap:anywhere}form{display:inline}</style>
${body}</html>`

/** For nobody; with `shared` for whoever followed a link, whose macaroon stands behind the # and so reached no server yet. */
export function homePage(issuer: string, { shared = false }: { readonly shared?: boolean } = {}): string {
  if (!shared) return page(`<h1>Garden</h1><p><a href="/sign-in">Sign in at ${escape(issuer)}</a></p>`)
  return page(`<h1>Somebody shows you a garden</h1>
<form method="post" action="/shared"><input type="hidden" name="token"><button>Look</button></form>
<script>document.querySelector('input').value = location.hash.slice(1); history.replaceState(null, '', '/shared')</script>`)
}

export function personPage(
  { username, sub, scope, caveats, exp }: IntrospectionResponse,
  done: { readonly watered?: boolean; readonly shared?: string } = {},
): string {
  const list = Array.isArray(caveats) ? caveats.map((caveat) => `<li><code>${escape(caveat)}</code></li>`).join('') : ''
  return page(`<h1>Garden</h1>
${done.watered === true ? '<p id="watered">The garden is watered.</p>' : ''}
${done.shared === undefined ? '' : `<p>Whoever opens this may look for ten minutes: <code id="shared">${escape(done.shared)}</code></p>`}
<p id="who">${escape(username ?? sub)}, who may <code>${escape(scope)}</code> until ${new Date((exp ?? 0) * 1000).toISOString()}</p>
<ul>${list}</ul>
<form method="post" action="/water"><button>Water</button></form>
<form method="post" action="/share"><button>Share a look</button></form>
<form method="post" action="/sign-out"><button>Sign out</button></form>`)
}

export function problemPage(sentence: string): string {
  return page(`<h1>Garden</h1><p id="problem">${escape(sentence)}</p><p><a href="/">Back</a></p>`)
}
