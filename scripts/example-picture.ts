/** Takes docs/images/example-web-app.png anew: the web app after signing in and opening the door. Needs Debian's chromium and pngquant. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startExample } from '../test/interop/example.ts'
import { launch } from '../test/pages/browser.ts'

const [example, browser] = await Promise.all([startExample('web-app'), launch()])
try {
  const tab = await browser.newPage({ viewport: { width: 1000, height: 700 }, colorScheme: 'light' })
  await tab.goto(example.urls['web-app'])
  await tab.click('#sign-in')
  await tab.fill('#sign-in [name=username]', example.person.username)
  await tab.fill('#sign-in [name=password]', example.person.password)
  await tab.click('#sign-in [type=submit]')
  await tab.click('#consent [value=allow]')
  await tab.fill('[name=text]', 'Feed the cat')
  await tab.click('#add-note')
  await tab.waitForSelector('#answer')
  await tab.click('#open-door')
  await tab.waitForSelector('#answer:has-text("door")')
  const picture = await tab.screenshot({ fullPage: true, caret: 'hide' })
  const small = execFileSync('pngquant', ['--speed', '1', '--quality', '70-95', '-'], { input: picture })
  writeFileSync(join(import.meta.dirname, '../docs/images/example-web-app.png'), small)
} finally {
  await browser.close()
  await example.close()
}
