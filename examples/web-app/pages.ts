import type { UserInfoResponse } from 'openid-client'
import type { Tokens } from './tokens.ts'

export type ApiAnswer = { readonly request: string; readonly status: number; readonly body: unknown }

export function homePage(issuer: string): string {
  return page(
    'Notebook',
    `<section class="card hero">
      <h1>Your notes, and your front door</h1>
      <p>A small web app that doesn’t know your password. It sends you to Gatehouse, which tells it who you are and gives it
        a key for each of the two APIs behind it.</p>
      <a class="button" id="sign-in" href="/sign-in">Sign in with Gatehouse</a>
      <p class="quiet">${escape(issuer)}</p>
    </section>`,
  )
}

export function personPage(view: {
  readonly person: UserInfoResponse
  readonly tokens: Tokens
  readonly told: ApiAnswer | undefined
  readonly issuer: string
  readonly now: number
}): string {
  const { person, tokens, told, issuer, now } = view
  const name = person.name ?? person.preferred_username ?? person.sub
  const held = Object.entries(tokens.forResource)
  return page(
    name,
    `<section class="card person">
      <span class="face" aria-hidden="true">${escape(name.slice(0, 1))}</span>
      <div>
        <h1 id="person">${escape(name)}</h1>
        <p class="quiet">${escape(person.email ?? '')}</p>
      </div>
      <form method="post" action="/sign-out"><button class="second" id="sign-out">Sign out</button></form>
    </section>
    ${told === undefined ? '' : answerPanel(told)}
    <div class="pair">
      <section class="card">
        <h2>Notes</h2>
        <p class="quiet">Its API verifies tokens offline, with Gatehouse’s public keys.</p>
        <form class="row" method="post" action="/notes/new">
          <input name="text" aria-label="A new note" placeholder="Feed the cat" maxlength="200" required>
          <button id="add-note">Add</button>
        </form>
        <form method="post" action="/notes"><button class="second" id="read-notes">Read my notes</button></form>
      </section>
      <section class="card">
        <h2>Front door</h2>
        <p class="quiet">Its API asks Gatehouse about each token, so one that was revoked opens nothing any more.</p>
        <form method="post" action="/door"><button id="open-door">Open the door</button></form>
      </section>
    </div>
    <section class="card">
      <h2>What this app holds for you</h2>
      <dl>
        <dt>Signed in by</dt><dd>${escape(issuer)}</dd>
        <dt>Your id there</dt><dd><code>${escape(person.sub)}</code></dd>
        <dt>Refresh token</dt><dd>kept in the session; renewed ${ago(now - tokens.refreshedAt)}</dd>
        <dt>Access tokens</dt>
        <dd>${
          held.length === 0
            ? 'none yet: each is fetched when it is needed'
            : held.map(([to, { expiresAt }]) => `<code>${escape(to)}</code>, ${ahead(expiresAt - now)}`).join('<br>')
        }</dd>
      </dl>
      <form method="post" action="/refresh"><button class="second" id="refresh">Renew now</button></form>
    </section>`,
  )
}

export function problemPage(code: string): string {
  const text =
    code === 'access_denied'
      ? 'You didn’t let this app know who you are, which is fine. Nothing was stored.'
      : 'Something went wrong on the way. Nothing was stored.'
  return page(
    'Not signed in',
    `<section class="card hero"><h1>Not signed in</h1><p>${text}</p>
      <p class="quiet">${escape(code)}</p><a class="button" href="/">Back to the start</a></section>`,
  )
}

function answerPanel({ request, status, body }: ApiAnswer): string {
  const good = status < 300
  return `<section class="card told" role="status">
      <p><code>${escape(request)}</code><span class="badge ${good ? 'good' : 'bad'}" id="status">${status}</span></p>
      <pre id="answer">${escape(JSON.stringify(body, null, 2))}</pre>
    </section>`
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${escape(title)} · Notebook</title>
    <link rel="stylesheet" href="/style.css">
    <link rel="icon" href="/icon.svg">
  </head>
  <body>
    <header><a href="/"><img src="/icon.svg" alt="" width="28" height="28">Notebook</a></header>
    <main>${body}</main>
    <footer>An example of Gatehouse: <code>examples/web-app</code></footer>
  </body>
</html>`
}

/** Whatever comes from elsewhere stays text. */
function escape(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
}

const ago = (millis: number): string => (millis < 2_000 ? 'just now' : `${Math.round(millis / 1000)} s ago`)

const ahead = (millis: number): string => (millis <= 0 ? 'expired' : `${Math.round(millis / 1000)} s left`)
