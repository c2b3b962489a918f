import { contrast, legible, mix, printColor, textOn } from './accent.ts'
import type { Color } from './accent.ts'

/** What the accent stands on: cards and the ground around them, by day and by night. */
const day = { ground: [244, 245, 243], card: [255, 255, 255], ink: [23, 32, 38] } as const satisfies Record<
  string,
  Color
>
const night = { ground: [15, 19, 22], card: [24, 30, 34], ink: [232, 237, 238] } as const satisfies Record<
  string,
  Color
>

/**
 * The one stylesheet of every page, about 8 KB. The accent is moved towards black by day and towards white by night until links
 * and buttons reach WCAG AA (4.5) on both grounds (6.5 by night, where 4.5 looks dull), so no configured colour can make a page unreadable.
 */
export function stylesheet(accent: Color): string {
  return squeeze(`
:root{color-scheme:light dark;${colors(accent, day, 4.5)}
--muted:#515d64;--edge:#dcdfdc;--field:#7b868c;--danger:#a3261d;--danger-ground:#fdf1ef;--danger-edge:#ecc6c1;
--caution:#7a4b00;--caution-ground:#fdf6e7;--caution-edge:#e9d3a3;--shadow:0 1px 2px rgb(23 32 38/.05),0 12px 40px rgb(23 32 38/.07)}
@media (prefers-color-scheme:dark){:root{${colors(accent, night, 6.5)}
--muted:#a3afb4;--edge:#2c353a;--field:#76838a;--danger:#ffaca3;--danger-ground:#331b19;--danger-edge:#693530;
--caution:#f2cd85;--caution-ground:#2d2412;--caution-edge:#5d4a20;--shadow:0 1px 2px rgb(0 0 0/.3),0 12px 40px rgb(0 0 0/.3)}}
*,*::before,*::after{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%;font:100%/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans","Liberation Sans",Arial,sans-serif}
body{margin:0;min-height:100vh;min-height:100svh;display:flex;flex-direction:column;background:var(--ground);color:var(--ink);
position:relative;overflow-wrap:anywhere;-webkit-font-smoothing:antialiased}
.skip{position:absolute;inset-inline-start:1rem;top:-6rem;padding:.7rem 1rem;background:var(--card);color:var(--link);border-radius:.5rem;z-index:2}
.skip:focus{top:1rem}
.scene{position:absolute;inset:0;overflow:hidden;pointer-events:none;z-index:-1}
.scene svg{position:absolute;left:50%;bottom:0;width:84rem;max-width:none;height:auto;transform:translateX(-50%);color:var(--accent);opacity:.07}
header{padding:clamp(1.5rem,7vh,4.5rem) 1.5rem 1.75rem;text-align:center}
.brand{display:inline-flex;align-items:center;gap:.65rem;font-weight:600;font-size:1.125rem;letter-spacing:-.01em;color:var(--ink);text-decoration:none;min-height:2.75rem}
.brand svg{width:1.9rem;height:1.9rem;color:var(--accent)}
.brand img{display:block;max-height:2.5rem;max-width:14rem}
main{width:100%;max-width:27.5rem;margin:0 auto;padding:0 1rem 2.5rem;flex:1 0 auto}
.card{background:var(--card);border:1px solid var(--edge);border-radius:1rem;padding:2.25rem;box-shadow:var(--shadow)}
h1{margin:0;font-size:1.5rem;line-height:1.25;font-weight:650;letter-spacing:-.02em;text-wrap:balance}
h2{margin:1.75rem 0 .25rem;font-size:.9375rem;line-height:1.4;font-weight:600}
p{margin:.5rem 0 0;text-wrap:pretty}
strong{font-weight:600}
h1 strong,h1 .place{font-weight:inherit}
a{color:var(--link);text-underline-offset:.18em;text-decoration-thickness:1px}
a:hover{text-decoration-thickness:2px}
.lead{font-size:1.0625rem}
.quiet{color:var(--muted);font-size:.9375rem}
.place{color:var(--ink);font-weight:500}
form{margin:0}
.field{margin-top:1.25rem}
label{display:block;font-weight:500;font-size:.9375rem}
.field label{margin-bottom:.4rem}
.field input,.field select{display:block;width:100%;min-height:3rem;padding:.6rem .85rem;font:inherit;color:var(--ink);background:var(--card);border:1px solid var(--field);border-radius:.625rem;transition:border-color .12s,box-shadow .12s}
.field select{appearance:none;padding-right:2.5rem;background-image:linear-gradient(45deg,transparent 50%,currentColor 50%),linear-gradient(135deg,currentColor 50%,transparent 50%);background-position:calc(100% - 1.3rem) 55%,calc(100% - .95rem) 55%;background-size:.35rem .35rem;background-repeat:no-repeat}
.field input:hover,.field select:hover{border-color:var(--ink)}
.field input[aria-invalid=true]{border-color:var(--danger)}
.tick{display:flex;align-items:center;gap:.7rem;min-height:2.75rem;margin-top:.85rem;cursor:pointer;font-weight:400}
input[type=checkbox]{flex:none;display:grid;place-items:center;appearance:none;width:1.25rem;height:1.25rem;margin:0;background:var(--card);border:1px solid var(--field);border-radius:.35rem;cursor:pointer}
input[type=checkbox]::before{content:"";width:.7rem;height:.7rem;background:var(--on-accent);clip-path:polygon(12% 46%,0 60%,40% 94%,100% 20%,86% 8%,38% 68%);transform:scale(0)}
input[type=checkbox]:checked{background:var(--accent);border-color:var(--accent)}
input[type=checkbox]:checked::before{transform:none}
label:hover input[type=checkbox]{border-color:var(--ink)}
button,.button{display:block;width:100%;min-height:3rem;padding:.66rem 1.25rem;font:inherit;font-weight:600;text-align:center;text-decoration:none;border:1px solid transparent;border-radius:.625rem;cursor:pointer;background:var(--accent);color:var(--on-accent);transition:background-color .12s,border-color .12s}
button:hover,.button:hover{background:var(--accent-strong)}
.second{background:transparent;color:var(--ink);border-color:var(--field)}
.second:hover{background:var(--ground);border-color:var(--ink)}
#strength{margin-top:.6rem;font-size:.9375rem;line-height:1.5}
#strength meter{display:block;width:100%;height:.75rem}
#strength p,#strength ul{margin:.2rem 0 0}
#strength ul{padding-inline-start:1.15rem}
.actions{display:flex;flex-direction:column;gap:.75rem;margin-top:1.75rem}
.pair{flex-direction:row}
.pair>*{flex:1 1 0;width:auto;min-width:0}
:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.field input:focus{outline:2px solid var(--link);outline-offset:0;border-color:var(--link)}
.notice{margin-top:1.25rem;padding:.85rem 1rem;border:1px solid var(--edge);border-inline-start-width:4px;border-radius:.625rem;font-size:.9375rem;line-height:1.5}
.notice p{margin:0}
.notice p+p{margin-top:.2rem}
.notice strong{display:block}
.danger{background:var(--danger-ground);border-color:var(--danger-edge);border-inline-start-color:var(--danger)}
.danger strong{color:var(--danger)}
.caution{background:var(--caution-ground);border-color:var(--caution-edge);border-inline-start-color:var(--caution)}
.caution strong{color:var(--caution)}
.tag{display:inline-block;padding:.02rem .5rem;border:1px solid var(--caution-edge);border-radius:1rem;background:var(--caution-ground);color:var(--caution);font-size:.75rem;line-height:1.5;font-weight:600;white-space:nowrap;vertical-align:.08em}
.asker{display:flex;flex-wrap:wrap;align-items:center;gap:.25rem .6rem;margin-top:.5rem}
.person{display:flex;align-items:center;gap:.9rem;margin-top:1.5rem;padding:.85rem 1rem;border:1px solid var(--edge);border-radius:.75rem;background:var(--ground)}
.person>span:last-child{min-width:0}
.initials{flex:none;display:grid;place-items:center;width:2.75rem;height:2.75rem;border-radius:50%;background:var(--accent);color:var(--on-accent);font-weight:600;letter-spacing:.02em}
.person strong,.person small{display:block;line-height:1.35}
.person small{color:var(--muted);font-size:.875rem}
.wishes{margin:0;padding:0;list-style:none}
.wishes li{border-bottom:1px solid var(--edge)}
.wishes li:last-child{border-bottom:0}
.wish{display:flex;gap:.85rem;padding:.8rem 0;min-height:2.75rem;font-weight:400}
label.wish{cursor:pointer}
.wish input,.wish svg{margin-top:.12rem}
.wish svg{flex:none;width:1.25rem;height:1.25rem;color:var(--accent)}
.wish strong,.wish small{display:block;line-height:1.4}
.wish small{color:var(--muted);font-size:.875rem;margin-top:.1rem}
.wish .tag{margin-inline-start:.35rem}
.wishes+.quiet{margin-top:1rem}
#providers{margin-top:1.75rem}
#providers .actions{margin-top:.75rem}
ul.things,ul.sections{margin:.75rem 0 0;padding:0;list-style:none}
.things>li{padding:1rem 0;border-top:1px solid var(--edge)}
.things p{margin:0}
.things ul{margin:.25rem 0;padding-inline-start:1.25rem}
.things button{margin-top:.75rem}
.sections li{border-top:1px solid var(--edge)}
.sections a{display:block;padding:.75rem 0;min-height:2.75rem;text-decoration:none}
.sections a:hover strong{text-decoration:underline}
.sections strong,.sections small{display:block;line-height:1.4}
.sections small{color:var(--muted);font-size:.875rem}
dl{margin:1.25rem 0 0}
dl div{padding:.7rem 0;border-top:1px solid var(--edge)}
dl div:first-child{border-top:0;padding-top:0}
dt{color:var(--muted);font-size:.8125rem}
dd{margin:.05rem 0 0;font-weight:500}
dd a{display:inline-block;padding:.6rem 0;font-weight:400}
.links{display:flex;flex-wrap:wrap;align-items:center;gap:0 1rem;margin-top:1rem;font-size:.875rem}
.links a,footer a{display:inline-block;padding:.7rem 0;min-height:2.75rem}
details{margin-top:1.5rem;border-top:1px solid var(--edge);font-size:.9375rem}
summary{min-height:2.75rem;padding-top:.8rem;cursor:pointer;color:var(--muted)}
details dl{margin-top:.75rem}
.reference{margin-top:1.25rem}
.reference+details{margin-top:1rem}
.qr{display:block;width:13rem;max-width:100%;height:auto;margin:1.25rem auto 0;border-radius:.5rem}
ul.codes{margin:1.25rem 0 0;padding:0;list-style:none;columns:2 10.5rem;column-gap:1rem}
.codes li{padding:.3rem 0;break-inside:avoid;white-space:nowrap}
#confirmation_code{display:block;padding:.75rem 1rem;text-align:center;font-size:1.5rem;letter-spacing:.08em;user-select:all;border:1px solid var(--edge);border-radius:.5rem}
code{font:.875rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
.symbol{display:block;width:3rem;height:3rem;margin-bottom:1.25rem;color:var(--accent)}
footer{display:flex;flex-wrap:wrap;justify-content:center;gap:0 1.75rem;padding:0 1rem 1.75rem;font-size:.875rem}
footer a{color:var(--muted);text-decoration:none}
footer nav{display:flex;gap:0 1.25rem}
footer a:hover{text-decoration:underline;color:var(--ink)}
@media (max-width:32rem){.scene{display:none}header{padding:1.25rem 1.25rem .5rem;text-align:start}
main{padding:0 1.25rem 1.5rem}.card{padding:1.25rem 0 0;background:none;border:0;box-shadow:none}
body{background:var(--card)}footer{justify-content:flex-start;padding-inline-start:1.25rem}}
@media (prefers-reduced-motion:reduce){*{transition:none!important}}
@media (prefers-contrast:more){:root{--edge:var(--field);--muted:var(--ink)}}
@media (forced-colors:active){input[type=checkbox]{appearance:auto}input[type=checkbox]::before{display:none}.scene{display:none}.initials,.tag,.notice{border:1px solid}}
`)
}

type Grounds = Readonly<Record<'ground' | 'card' | 'ink', Color>>

function colors(accent: Color, grounds: Grounds, ratio: number): string {
  const solid = legible(accent, [grounds.ground, grounds.card], ratio)
  const on = textOn(solid)
  // Pressed and hovered buttons move away from their own text, so the text only gains contrast.
  const strong = mix(solid, contrast(on, [0, 0, 0]) > 10 ? [0, 0, 0] : [255, 255, 255], 0.16)
  const values = { ...grounds, accent: solid, link: solid, 'on-accent': on, 'accent-strong': strong }
  return Object.entries(values)
    .map(([name, color]) => `--${name}:${printColor(color)};`)
    .join('')
}

/** One line: line breaks and indentation are half a kilobyte of nothing on every page. */
function squeeze(text: string): string {
  return text.replace(/\n/g, '').trim()
}
