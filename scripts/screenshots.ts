/**
 * Takes the pictures in docs/images anew: every page of test/pages/gallery.ts, wide and narrow, by day and by night, on one sheet each,
 * and the sign-in page alone for the README. Needs Debian's chromium, fonts-inter and pngquant. Usage: node scripts/screenshots.ts [PAGE…]
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { launch, serve } from '../test/pages/browser.ts'
import { gallery, presentation, words } from '../test/pages/gallery.ts'

const images = join(import.meta.dirname, '../docs/images')
const schemes = ['light', 'dark'] as const
const views = [
  { width: 1120, height: 760, shown: 840 },
  { width: 390, height: 760, shown: 390 },
]

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !gallery.some((example) => example.name === name))
if (unknown.length > 0) {
  console.error(`no page is called ${unknown.join(', ')}; there are: ${gallery.map(({ name }) => name).join(', ')}`)
  process.exit(2)
}

const work = mkdtempSync(join(tmpdir(), 'gatehouse-screenshots-'))
useInter()
const site = await serve((request) => {
  const example = gallery.find(({ name }) => request.url === `/${name}`)
  return example?.render(presentation, words) ?? { status: 404, headers: [], body: null }
})
const browser = await launch()
try {
  for (const { name } of gallery) {
    if (asked.length > 0 && !asked.includes(name)) continue
    save(name, await sheet(browser, name))
    if (name !== 'sign-in') continue
    for (const scheme of schemes)
      save(
        `${name}-${scheme}`,
        await picture(browser, name, { colorScheme: scheme, viewport: { width: 1280, height: 800 } }),
      )
  }
  const list = gallery.map(({ name }) => `## ${name}\n\n![${name}](${name}.png)\n`).join('\n')
  const text =
    'Every page wide and narrow, by day and by night. `node scripts/screenshots.ts` takes these pictures anew and writes this list.'
  writeFileSync(join(images, 'README.md'), `# Pages\n\n${text}\n\n${list}`)
} finally {
  await browser.close()
  await site.stop()
  rmSync(work, { recursive: true })
}

/** `system-ui` is whatever the machine calls so; on a server that is a face nobody would choose. Only this process's children see it. */
function useInter(): void {
  const alias = (family: string): string =>
    `<match target="pattern"><test name="family"><string>${family}</string></test><edit name="family" mode="assign" binding="strong"><string>Inter</string></edit></match>`
  const file = join(work, 'fonts.conf')
  writeFileSync(
    file,
    `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><include ignore_missing="yes">/etc/fonts/fonts.conf</include>${['system-ui', 'sans-serif', 'sans'].map(alias).join('')}</fontconfig>`,
  )
  process.env['FONTCONFIG_FILE'] = file
}

type Size = { readonly width: number; readonly height: number }

async function picture(
  from: Browser,
  name: string,
  look: { readonly colorScheme: (typeof schemes)[number]; readonly viewport: Size },
): Promise<Buffer> {
  // Without JavaScript the form_post page stays to be pictured.
  const context = await from.newContext({ ...look, javaScriptEnabled: false })
  try {
    const tab = await context.newPage()
    await tab.goto(`${site.origin}/${name}`)
    return await tab.screenshot({ fullPage: true, caret: 'hide' })
  } finally {
    await context.close()
  }
}

async function sheet(from: Browser, name: string): Promise<Buffer> {
  const frames: string[] = []
  for (const scheme of schemes) {
    for (const { shown, ...viewport } of views) {
      const data = (await picture(from, name, { colorScheme: scheme, viewport })).toString('base64')
      frames.push(`<img width="${shown}" src="data:image/png;base64,${data}">`)
    }
  }
  const context = await from.newContext({ viewport: { width: 1250, height: 600 } })
  try {
    const tab = await context.newPage()
    await tab.setContent(
      `<style>body{margin:0;display:grid;grid-template-columns:840px 390px;gap:20px;align-items:start}img{border-radius:12px;border:1px solid #8884;box-sizing:border-box}</style>${frames.join('')}`,
    )
    return await tab.screenshot({ fullPage: true, omitBackground: true })
  } finally {
    await context.close()
  }
}

function save(name: string, png: Buffer): void {
  const small = execFileSync('pngquant', ['--speed', '1', '--quality', '70-95', '-'], {
    input: png,
    maxBuffer: 1 << 26,
  })
  writeFileSync(join(images, `${name}.png`), small)
  console.log(`docs/images/${name}.png ${Math.ceil(small.length / 1024)} KiB`)
}
