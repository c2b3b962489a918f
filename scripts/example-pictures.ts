/** Takes docs/images/example-web-app.png and example-spa.png anew, each as it looks in use. Needs Debian's chromium and pngquant. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { startExample } from '../test/interop/example.ts'
import { launch } from '../test/pages/browser.ts'

const browser = await launch()
try {
  await picture(browser, 'web-app', async (tab) => {
    await tab.fill('[name=text]', 'Feed the cat')
    await tab.click('#add-note')
    await tab.waitForSelector('#answer')
    await tab.click('#open-door')
    await tab.waitForSelector('#answer:has-text("door")')
  })
  await picture(browser, 'spa', async (tab) => {
    for (const note of ['Feed the cat', 'Water the plants']) {
      await tab.fill('#text', note)
      await tab.click('#new-note button')
      await tab.waitForSelector(`#list :has-text("${note}")`)
    }
  })
} finally {
  await browser.close()
}

/** Start the example, sign in, use it, and look. */
async function picture(from: Browser, name: 'web-app' | 'spa', use: (tab: Page) => Promise<void>): Promise<void> {
  const example = await startExample(name)
  try {
    const tab = await from.newPage({ viewport: { width: 1000, height: 560 }, colorScheme: 'light' })
    await tab.goto(example.urls[name])
    await tab.click('#sign-in')
    await tab.fill('#sign-in [name=username]', example.person.username)
    await tab.fill('#sign-in [name=password]', example.person.password)
    await tab.click('#sign-in [type=submit]')
    await tab.click('#consent [value=allow]')
    await tab.waitForSelector('#person:has-text("Maria")')
    await use(tab)
    const shot = await tab.screenshot({ fullPage: true, caret: 'hide' })
    const small = execFileSync('pngquant', ['--speed', '1', '--quality', '70-95', '-'], { input: shot })
    writeFileSync(join(import.meta.dirname, `../docs/images/example-${name}.png`), small)
  } finally {
    await example.close()
  }
}
