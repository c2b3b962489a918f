/** Where pages load it from. */
export const passkeyScriptPath = '/passkey.js'

/**
 * What a browser does with the forms that ask for a passkey: shows them where it knows passkeys, asks its authenticator when one is
 * sent, and sends the answer along. It changes nothing else, and pages work without it.
 */
export const passkeyScript = `'use strict'
{
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0))
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\\+/g, '-').replace(/\\//g, '_').replace(/=+$/, '')
  const list = (ids) => ids.map((id) => ({ type: 'public-key', id: bytes(id) }))
  const get = ({ challenge, rpId, allow }) =>
    navigator.credentials.get({
      publicKey: { challenge: bytes(challenge), rpId, allowCredentials: list(allow), userVerification: 'required' },
    })
  const create = ({ challenge, rp, user, exclude, algorithms }) =>
    navigator.credentials.create({
      publicKey: {
        challenge: bytes(challenge),
        rp,
        user: { ...user, id: bytes(user.id) },
        pubKeyCredParams: algorithms.map((alg) => ({ type: 'public-key', alg })),
        excludeCredentials: list(exclude),
        authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
        attestation: 'none',
      },
    })
  const print = ({ id, type, response }) => {
    const parts = {}
    for (const name of ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle'])
      if (response[name]) parts[name] = text(response[name])
    return JSON.stringify({ id, rawId: id, type, response: parts, clientExtensionResults: {} })
  }
  for (const form of document.querySelectorAll('form[data-passkey]')) {
    if (!window.PublicKeyCredential) continue
    form.hidden = false
    const add = (name, value) => {
      const input = document.createElement('input')
      Object.assign(input, { type: 'hidden', name, value })
      form.append(input)
      return input
    }
    for (const { name, value } of JSON.parse(form.dataset.hidden)) add(name, value)
    const credential = add('credential', '')
    const problem = form.querySelector('[data-problem]')
    form.addEventListener('submit', async (event) => {
      event.preventDefault()
      problem.hidden = true
      try {
        const ask = form.dataset.passkey === 'create' ? create : get
        credential.value = print(await ask(JSON.parse(form.dataset.options)))
        form.submit()
      } catch {
        problem.hidden = false
      }
    })
  }
}
`
