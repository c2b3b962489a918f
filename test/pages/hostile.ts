import fc from 'fast-check'
import type { Words } from './gallery.ts'
import { words } from './gallery.ts'

/** What people have tried: ways out of text, attributes, URLs, scripts, styles and comments, and characters that parsers treat apart. */
export const payloads: readonly string[] = [
  '<script>alert(1)</script>',
  '"><svg onload=alert(1)>',
  "'><img src=x onerror=alert(1)>",
  '" onfocus="alert(1)" autofocus="',
  ' onmouseover=alert(1) ',
  '</title><script>alert(1)</script>',
  '</style><script>alert(1)</script>',
  '</script><script>alert(1)</script>',
  '</form><form action="https://evil.example">',
  '<base href="https://evil.example">',
  '<meta http-equiv="refresh" content="0;url=https://evil.example">',
  '<!--',
  '-->',
  ']]>',
  '<![CDATA[',
  '<?xml',
  '&lt;script&gt;',
  '&#60;script&#62;',
  '&quot;',
  '&',
  '<',
  '>',
  '"',
  "'",
  '`',
  '=',
  '\\"',
  '${alert(1)}',
  '{client}',
  '{{constructor}}',
  '__proto__',
  'constructor',
  'javascript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  '\u0000<script>',
  '<scr\u0000ipt>',
  '\r\nSet-Cookie: a=b',
  '\u2028',
  '\u202E',
  '\uFEFF',
  '\uD800',
  '+ADw-script+AD4-',
  '%3Cscript%3E',
  '\u00BCscript\u00BE',
  '＜script＞',
]

/** Any text, with payloads strewn in. The first letter keeps a name from being invisible, which pages answer with another text. */
export const hostileText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.constantFrom(...payloads),
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.string({ unit: 'grapheme', maxLength: 8 }),
    ),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  .map((parts) => `x${parts.join('')}`)

/** Words that leave the shape of every page as it is, and nothing else of it: URLs stay URLs, whatever hangs on them. */
export const hostileWords: fc.Arbitrary<Words> = fc.record({
  clientId: hostileText,
  clientName: hostileText,
  redirectUri: hostileText.map((text) => `https://notes.example/cb?${text}`),
  policyUri: hostileText.map((text) => `https://notes.example/?${text}`),
  username: hostileText,
  fullName: hostileText.map((text) => `y${text}`),
  email: hostileText,
  device: hostileText,
  scope: hostileText,
  description: hostileText,
  resource: hostileText,
  state: hostileText,
  error: hostileText,
  reference: hostileText,
  fieldName: hostileText,
})

/** The same hostile text everywhere. */
export function everywhere(text: string): Words {
  const url = { redirectUri: `https://notes.example/cb?${text}`, policyUri: `https://notes.example/?${text}` }
  const rest = Object.keys(words).map((key) => [key, `x${text}`] as const)
  return { ...words, ...Object.fromEntries(rest), ...url, fullName: `y${text}` }
}
