/* global oidc */
const { issuer, api } = await (await fetch('/settings.json')).json()
const element = (id) => document.getElementById(id)

const people = new oidc.UserManager({
  authority: issuer,
  client_id: 'spa',
  redirect_uri: `${location.origin}/callback`,
  post_logout_redirect_uri: `${location.origin}/`,
  scope: 'openid profile notes:read notes:write',
  // The token is for the API (RFC 8707). Who this is, stands in the ID token, because it is asked for there (OIDC Core §5.5).
  resource: 'https://notes.example',
  extraQueryParams: { claims: JSON.stringify({ id_token: { name: null, preferred_username: null } }) },
})
people.events.addUserLoaded(show)
people.events.addUserSignedOut(() => show(null))
people.events.addSilentRenewError((error) => tell(`The token can’t be renewed: ${error.message}`))

/** Call the API as the person who is signed in: with a form it writes, without one it reads. */
async function call(form) {
  const user = await people.getUser()
  const answer = await fetch(`${api}/notes`, {
    headers: { authorization: `Bearer ${user.access_token}` },
    ...(form === undefined ? {} : { method: 'POST', body: form }),
  })
  if (!answer.ok) return tell(`The API answered ${answer.status}: ${answer.headers.get('www-authenticate')}`)
  const { notes } = await answer.json()
  element('list').replaceChildren(
    ...notes.map(({ text }) => {
      const item = document.createElement('li')
      item.textContent = text
      return item
    }),
  )
}

function show(user) {
  element('signed-out').hidden = user !== null
  element('signed-in').hidden = user === null
  element('notes').hidden = user === null
  if (user === null) return
  const name = user.profile.name ?? user.profile.preferred_username ?? user.profile.sub
  element('person').textContent = name
  element('face').textContent = name.slice(0, 1)
  element('left').textContent = `${user.expires_in} s`
}

function tell(text) {
  element('problem').textContent = text
}

const tellError = (error) => tell(error.message)
const guarded = (work) => (event) => {
  event.preventDefault()
  tell('')
  work().catch(tellError)
}
element('sign-in').addEventListener(
  'click',
  guarded(() => people.signinRedirect()),
)
element('sign-out').addEventListener(
  'click',
  guarded(() => people.signoutRedirect()),
)
element('renew').addEventListener(
  'click',
  guarded(() => people.signinSilent()),
)
element('new-note').addEventListener(
  'submit',
  guarded(async () => {
    await call(new URLSearchParams({ text: element('text').value }))
    element('text').value = ''
  }),
)

if (location.pathname === '/callback') {
  await people.signinRedirectCallback().catch((error) => tell(`Not signed in: ${error.message}`))
  // The code is used up; it need not stay in the address and the history.
  history.replaceState(null, '', '/')
}
const user = await people.getUser()
show(user === null || user.expired ? null : user)
if (user !== null && !user.expired) await call().catch(tellError)
