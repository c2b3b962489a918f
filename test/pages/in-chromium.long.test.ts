import axe from 'axe-core'
import type { AxeResults } from 'axe-core'
import type { Browser, Page as Tab } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { passkeyScript, passkeyScriptPath } from '../../src/pages/passkey-script.ts'
import { launch, noBrowser, serve } from './browser.ts'
import type { Site } from './browser.ts'
import { gallery, presentation, words } from './gallery.ts'
import { everywhere, payloads } from './hostile.ts'

let browser: Browser
let site: Site

/** Every page of the gallery at its name. */
beforeAll(async () => {
  if (noBrowser !== false) return
  browser = await launch()
  site = await serve((request) => {
    const [, language, wanted] = /^\/(de\/)?(.+)$/.exec(request.url ?? '') ?? []
    const example = gallery.find(({ name }) => wanted === name)
    if (request.url === passkeyScriptPath)
      return { status: 200, headers: [['content-type', 'text/javascript']], body: passkeyScript }
    if (example === undefined) return { status: 404, headers: [], body: null }
    return example.render(language === undefined ? presentation : { ...presentation, language: 'de' }, {
      ...words,
      redirectUri: `${site.origin}/callback`,
    })
  })
})
afterAll(async () => {
  await browser?.close()
  await site?.stop()
})

describe.skipIf(noBrowser !== false).for(gallery.map(({ name }) => name))('%s in Chromium', (name) => {
  test('nothing violates the policy or is loaded, and axe finds nothing by day or by night', async () => {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      colorScheme: 'light',
      reducedMotion: 'reduce',
    })
    try {
      const tab = await context.newPage()
      const complaints: string[] = []
      const requests: string[] = []
      tab.on('console', (line) => complaints.push(line.text()))
      tab.on('pageerror', (error) => complaints.push(error.message))
      tab.on('request', (request) => {
        const { pathname } = new URL(request.url())
        if (pathname !== passkeyScriptPath) requests.push(pathname)
      })
      // The form_post page leaves before it has loaded; aborting its way keeps it here to be looked at.
      await tab.route('**/callback', (route) => route.abort('aborted'))
      await tab.goto(`${site.origin}/${name}`, { waitUntil: 'commit' })
      await tab.locator('footer').waitFor()
      expect(complaints.filter((line) => !aboutStatus.test(line))).toEqual([])
      expect(requests).toEqual(name === 'form-post' ? [`/${name}`, '/callback'] : [`/${name}`])
      // The stylesheet was let in: without it the body is transparent.
      expect(await tab.evaluate('getComputedStyle(document.body).backgroundColor')).not.toBe('rgba(0, 0, 0, 0)')
      await tab.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true })")
      await tab.evaluate(axe.source)
      for (const colorScheme of ['light', 'dark'] as const) {
        await tab.emulateMedia({ colorScheme })
        const { violations } = await tab.evaluate<AxeResults>('axe.run(document)')
        expect(
          violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes[0]?.html}`),
          colorScheme,
        ).toEqual([])
      }
    } finally {
      await context.close()
    }
  })

  test('in German, whose words are longer: nothing scrolls sideways, and axe finds nothing', async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 700 } })
    try {
      const tab = await context.newPage()
      await tab.route('**/callback', (route) => route.abort('aborted'))
      await tab.goto(`${site.origin}/de/${name}`, { waitUntil: 'commit' })
      await tab.locator('footer').waitFor()
      expect(await tab.evaluate('document.documentElement.lang')).toBe('de')
      for (const width of [1280, 320]) {
        await tab.setViewportSize({ width, height: 700 })
        expect(await tab.evaluate('document.documentElement.scrollWidth'), `${width} wide`).toBe(width)
      }
      await tab.evaluate(axe.source)
      const { violations } = await tab.evaluate<AxeResults>('axe.run(document)')
      expect(violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes[0]?.html}`)).toEqual([])
    } finally {
      await context.close()
    }
  })

  test('without JavaScript: nothing scrolls sideways, targets are large, the tabulator follows the reading', async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 700 }, javaScriptEnabled: false })
    try {
      const tab = await context.newPage()
      await tab.goto(`${site.origin}/${name}`)
      // WCAG 2.2 §1.4.10: down to 320 pixels, which is also 1280 at 400 %.
      for (const width of [1280, 390, 320]) {
        await tab.setViewportSize({ width, height: 700 })
        expect(await tab.evaluate('document.documentElement.scrollWidth'), `${width} wide`).toBe(width)
      }
      expect(await tab.evaluate(smallTargets)).toEqual([])
      expect(await readingOrder(tab)).toEqual([])
    } finally {
      await context.close()
    }
  })
})

/** Chromium notes the status of the page itself; that isn't a complaint. */
const aboutStatus = /^Failed to load resource: the server responded with a status of \d+/

// WCAG 2.2 §2.5.5 (AAA): 44 pixels. What nobody sees is no target.
const smallTargets = `[...document.querySelectorAll('button, .button, .field input, label:has(input), summary, .links a, footer a, .brand')]
  .filter((target) => target.closest('[hidden]') === null && target.getBoundingClientRect().height < 44).map((target) => target.outerHTML.slice(0, 80))`

/** What is wrong with the stops of the tabulator: an order other than the document's, or a focus that can't be seen. */
async function readingOrder(tab: Tab): Promise<string[]> {
  const wrong: string[] = []
  let last = -1
  await tab.evaluate('document.activeElement.blur()')
  for (let stop = 0; stop < 30; stop++) {
    await tab.keyboard.press('Tab')
    const at = await tab.evaluate<{ place: number; seen: boolean; text: string } | null>(`(() => {
      const now = document.activeElement
      if (now === null || now === document.body) return null
      const style = getComputedStyle(now)
      return {
        place: [...document.querySelectorAll('*')].indexOf(now),
        seen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
        text: now.outerHTML.slice(0, 80),
      }
    })()`)
    if (at === null) break
    if (at.place <= last) wrong.push(`out of order: ${at.text}`)
    if (!at.seen) wrong.push(`focus unseen: ${at.text}`)
    last = at.place
  }
  return last === -1 ? ['nothing can be reached'] : wrong
}

describe.skipIf(noBrowser !== false)('Chromium’s own parser', () => {
  // The same property as escaping.test.ts, judged by the parser that matters.
  test('G15: every page keeps its shape, whatever words are put into it', async () => {
    const tab = await browser.newPage()
    try {
      for (const { name, render } of gallery) {
        const bodies = [words, ...payloads.map(everywhere)].map((given) =>
          // The stylesheet is the same in all, and most of the bytes.
          render(presentation, { ...given, error: `x${given.error}` }).body.replace(/<style>[^<]*<\/style>/, ''),
        )
        const shapes = await tab.evaluate<string[]>(`${JSON.stringify(bodies)}.map((page) =>
          [...new DOMParser().parseFromString(page, 'text/html').querySelectorAll('*')]
            .map((element) => element.localName + '(' + element.getAttributeNames().join(' ') + ')').join(' '))`)
        for (const [at, shape] of shapes.entries()) expect(shape, `${name}: ${payloads[at - 1]}`).toBe(shapes[0])
        expect(shapes[0]).toContain('main(id tabindex)')
      }
    } finally {
      await tab.close()
    }
  }, 60_000)
})
