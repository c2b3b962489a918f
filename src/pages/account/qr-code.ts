import { encode } from 'uqr'
import { html } from '../html.ts'
import type { Html } from '../html.ts'

/** Modules of white around it that a camera needs (ISO/IEC 18004 §6.3.8). */
const quiet = 4

/** A text as a QR code, drawn black on white whatever the page's colours are: cameras expect it so. */
export function qrCode(text: string, label: string): Html {
  const { data, size } = encode(text, { ecc: 'M', border: quiet })
  const path = data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ''))).join('')
  return html`<svg class="qr" role="img" aria-label="${label}" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges">
    <rect width="${size}" height="${size}" fill="#fff"></rect>
    <path d="${path}" fill="#000"></path>
  </svg>`
}
