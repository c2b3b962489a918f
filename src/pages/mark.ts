import { verbatim } from './html.ts'
import type { Html } from './html.ts'

const arch = 'M3 29V16C3 8.8 8.8 3 16 3s13 5.8 13 13v13h-6V16a7 7 0 0 0-14 0v13z'
const leaf = 'M12 29V17.5a4 4 0 0 1 4-4v15.5z'

/** Gatehouse's mark: an arch, and in it one leaf of a gate that stands open. Drawn here; decoration beside the name. */
export const mark: Html = verbatim(
  `<svg viewBox="0 0 32 32" aria-hidden="true" focusable="false"><path fill="currentColor" d="${arch}"/><path fill="currentColor" opacity=".45" d="${leaf}"/></svg>`,
)

/** The same for the browser's tab, in one colour, as an address that needs no request. */
export function iconAddress(color: string): string {
  const drawing = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path fill="${color}" d="${arch}"/><path fill="${color}" opacity=".5" d="${leaf}"/></svg>`
  return `data:image/svg+xml,${encodeURIComponent(drawing)}`
}

const arches = [560, 470, 380, 290]
  .map((radius) => `<path d="M${672 - radius} 640V580a${radius} ${radius} 0 0 1 ${2 * radius} 0V640"/>`)
  .join('')

/** Arches within arches, far behind everything: somewhere calm to arrive at. */
export const scene: Html = verbatim(
  `<div class="scene" aria-hidden="true"><svg viewBox="0 0 1344 640" fill="none" stroke="currentColor" stroke-width="2" focusable="false">${arches}</svg></div>`,
)

/** A tick, for what is granted without a question. */
export const tick: Html = verbatim(
  '<svg viewBox="0 0 20 20" aria-hidden="true" focusable="false" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"><path d="m4 10.5 4 4 8-9"/></svg>',
)

/** The gate, closed: for pages that lead no further. */
export const closedGate: Html = verbatim(
  '<svg class="symbol" viewBox="0 0 48 48" aria-hidden="true" focusable="false" fill="none" stroke="currentColor" stroke-width="2.5" stroke-linecap="round" stroke-linejoin="round"><path d="M6 43V22C6 12.1 14.1 4 24 4s18 8.1 18 18v21M3 43h42M24 13v30M15 18v25M33 18v25M15 29h18"/></svg>',
)

/** The gate, open, and a way that leads through it. */
export const openGate: Html = verbatim(
  '<svg class="symbol" viewBox="0 0 48 48" aria-hidden="true" focusable="false" fill="none" stroke="currentColor" stroke-width="2.5" stroke-linecap="round" stroke-linejoin="round"><path d="M6 43V22C6 12.1 14.1 4 24 4s18 8.1 18 18v21M3 43h42M14 43V23a10 10 0 0 1 20 0v20M21 43l2-9M27 43l-2-9"/></svg>',
)
