/** Red, green and blue, 0–255 each. */
export type Color = readonly [red: number, green: number, blue: number]

/** Reads `#rrggbb`, the one spelling that we take. */
export function parseColor(text: string): Color | undefined {
  const match = /^#([\da-f]{2})([\da-f]{2})([\da-f]{2})$/i.exec(text)
  if (match === null) return undefined
  return [parseInt(match[1] ?? '', 16), parseInt(match[2] ?? '', 16), parseInt(match[3] ?? '', 16)]
}

export function printColor(color: Color): string {
  return `#${color.map((channel) => Math.round(channel).toString(16).padStart(2, '0')).join('')}`
}

/** WCAG 2.2 contrast ratio, 1 to 21. */
export function contrast(a: Color, b: Color): number {
  const [la, lb] = [luminance(a), luminance(b)]
  return (Math.max(la, lb) + 0.05) / (Math.min(la, lb) + 0.05)
}

/**
 * The nearest shade of `color`, darker on light grounds and lighter on dark ones, that reaches `ratio` against every ground. Hue and
 * saturation stay (mixing with white would turn a brand's colour into its ghost); where the ratio can't be reached so, black or white.
 */
export function legible(color: Color, grounds: readonly Color[], ratio: number): Color {
  const onLight = grounds.every((ground) => luminance(ground) > 0.18)
  const shade = shades(color)
  const from = Math.round(lightness(color) * 100)
  for (let step = from; step >= 0 && step <= 100; step += onLight ? -1 : 1) {
    const candidate = step === from ? color : shade(step / 100)
    if (grounds.every((ground) => contrast(candidate, ground) >= ratio)) return candidate
  }
  return onLight ? black : white
}

/** `share` of `b` in `a`. */
export function mix(a: Color, b: Color, share: number): Color {
  return [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share]
}

/** Black or white, whichever reads better on `ground`: one of them always reaches 4.5. */
export function textOn(ground: Color): Color {
  return contrast(white, ground) >= contrast(black, ground) ? white : black
}

const white: Color = [255, 255, 255]
const black: Color = [0, 0, 0]

const lightness = (color: Color): number => (Math.max(...color) + Math.min(...color)) / 510

/** The colours of one hue and HSL saturation, by lightness 0–1. */
function shades(color: Color): (light: number) => Color {
  const [most, least, own] = [Math.max(...color), Math.min(...color), lightness(color)]
  const saturation = most === least ? 0 : (most - least) / 255 / (1 - Math.abs(2 * own - 1))
  return (light) => {
    const reach = saturation * (1 - Math.abs(2 * light - 1))
    const channel = (at: number): number =>
      Math.round(255 * (light + reach * (most === least ? 0 : (at - least) / (most - least) - 0.5)))
    return [channel(color[0]), channel(color[1]), channel(color[2])]
  }
}

function luminance(color: Color): number {
  const [red, green, blue] = color.map((channel) => {
    const share = channel / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0)
}
