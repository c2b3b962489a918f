/** Where pages load it from, and where it asks. */
export const strengthScriptPath = '/password/strength.js'
export const strengthPath = '/password/strength'

/**
 * Keeps the bar under a new password up to date while somebody types, by what the server says of it: the lists that a guesser begins
 * with are too large for a page. What is typed goes where the form would send it anyway. Pages work without it.
 */
export const strengthScript = `'use strict'
{
  const password = document.getElementById('new_password')
  const bar = document.getElementById('strength')
  const ask = async () => {
    const body = new URLSearchParams({ lang: document.documentElement.lang })
    for (const name of ['csrf', 'new_password', 'username', 'full_name', 'email']) {
      const input = password.form.elements.namedItem(name)
      if (input) body.append(name, input.value)
    }
    const answer = await fetch('${strengthPath}', { method: 'POST', body })
    return answer.ok ? answer.json() : undefined
  }
  const show = (found) => {
    bar.hidden = found === undefined
    if (found === undefined) return
    bar.querySelector('meter').value = found.score + 1
    bar.querySelector('strong').textContent = found.word
    bar.querySelector('ul').replaceChildren(
      ...found.says.map((sentence) => Object.assign(document.createElement('li'), { textContent: sentence })),
    )
  }
  let timer
  let turn = 0
  password.addEventListener('input', () => {
    clearTimeout(timer)
    const mine = (turn += 1)
    if (password.value === '') return show(undefined)
    timer = setTimeout(async () => {
      const found = await ask().catch(() => undefined)
      if (mine === turn) show(found)
    }, 400)
  })
}
`
