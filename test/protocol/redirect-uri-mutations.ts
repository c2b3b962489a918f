/** A URI in parts that print one after another. */
export type Parts = {
  readonly scheme: string
  readonly slashes: string
  readonly userinfo: string
  readonly host: string
  readonly port: string
  readonly path: string
  readonly query: string
  readonly fragment: string
}

const order: readonly (keyof Parts)[] = ['scheme', 'slashes', 'userinfo', 'host', 'port', 'path', 'query', 'fragment']

export function printParts(parts: Parts): string {
  return order.map((part) => parts[part]).join('')
}

const controls = [
  '\0',
  '\t',
  '\n',
  '\r',
  '\r\nSet-Cookie: x=1',
  ' ',
  '\u007f',
  '\u0085',
  '\u00a0',
  '\u2028',
  '\u200b',
  '\u202e',
  '\ufeff',
  '\ud800',
]
const encodings = words('%00 %09 %0a %0d%0aX:1 %20 %23 %2e %2f %3f %40 %5c %25 %252e %c0%ae %e3%80%82 %u002e % %zz')

/** Every way to spell one part otherwise. */
const mutations: { readonly [Part in keyof Parts]: (value: string) => readonly string[] } = {
  scheme: (value) => [
    '',
    ...words(
      'http https HTTP HTTPS Https javascript data vbscript file blob ftp ws myapp com.evil.app view-source:https',
    ),
    ...controls.flatMap((sign) => [sign + value, value + sign, `${value.slice(0, 2)}${sign}${value.slice(2)}`]),
    value.toUpperCase(),
    value.replace(/s$/, 'ſ'),
    value.replace(/t/, 'ｔ'),
    `${value}s`,
    `${value}+x`,
  ],
  slashes: () => ['', ':/ /', ':\t//', ...words(String.raw`:// :/ : :/// ://// :\\ :/\ :\/ // %3a// :%2f%2f`)],
  userinfo: () =>
    words(String.raw`@ user@ user:pw@ app.example@ app.example:80@ evil.example\@ evil.example#@ evil.example?@ evil.example/@ %40 a%3ab@
      app.example%40 :@`),
  host: (value) => [
    '',
    ...words(`evil.example app.example.evil.example evil.app.example appXexample app-example app.exampl app.examples pp.example APP.EXAMPLE
      App.Example app.example. .app.example app..example * *.example app.* *.app.example xn--pp-7cd.example аpp.example ａpp.example
      app。example app．example app｡example app%2eexample app%E3%80%82example ⓐpp.example`),
    ...words(`127.0.0.1 127.0.0.2 127.0.0.1. 127.0.0.1.evil.example 127.1 127.0.1 127.000.000.001 0177.0.0.1 0x7f.0.0.1 0x7f000001 2130706433
      017700000001 127.0.0.1%00 １２７.0.0.1 127。0。0。1 0.0.0.0 10.0.0.1 169.254.169.254`),
    ...words(`[::1] [::1 ::1 [0:0:0:0:0:0:0:1] [::0001] [::ffff:127.0.0.1] [::ffff:7f00:1] [::] [::1%25lo] [::1]evil [v1.x] [::1].evil.example
      localhost LOCALHOST localhost. localhost.evil.example localhost.localdomain evil-localhost ｌocalhost lоcalhost`),
    ...controls.flatMap((sign) => [value + sign, sign + value]),
    ...[...encodings, ...words(String.raw`;evil.example ,evil.example &evil.example \evil.example`)].map(
      (sign) => value + sign,
    ),
    ...words(String.raw`evil.example\. evil.example#. evil.example?. evil.example/.`).map((sign) => sign + value),
  ],
  port: () => [
    '',
    ':8 0',
    ...words(String.raw`: :0 :1 :80 :443 :8080 :51004 :65535 :65536 :99999 :999999 :080 :00080 :+80 :-80 :80a :0x50 :８０ :٨٠ :80:80
      :80@evil.example :80.evil.example :80\ :%38%30 :8443 :7000 :5173 :5174`),
  ],
  path: (value) => [
    '',
    ...words(String.raw`/ // /c /cb/ /cbx /CB /Cb //cb /cb// /x/cb /cb/x \cb /cb\ /cb;x /cb;x=1 /cb, /cb. /cb.. /cb/. /cb/.. /./cb /../cb
      /x/../cb /cb/../cb /cb/../evil /cb/%2e /cb/%2e%2e /cb/%2e%2e/cb /cb/.%2e/evil /cb/%252e%252e /%2e%2e/cb /cb%2f /cb%2fx /%63b /c%62
      /cb%5c.. /..;/cb /cb/..%00/ /ｃb /cƄ /cb* /* //evil.example/cb /\evil.example /@evil.example :evil @evil.example/cb .evil.example/cb`),
    ...controls.flatMap((sign) => [value + sign, `/${sign}${value.slice(1)}`]),
    ...encodings.map((sign) => value + sign),
    value.repeat(400),
  ],
  query: (value) => [
    '',
    ...words(`? ?? ?x=1 ?t=1 ?t=2 ?T=1 ?t=1& ?&t=1 ?t=1&x=1 ?x=1&t=1 ?t=%31 ?code=ATTACKER ?state=x ?t=1&code=ATTACKER ?t=1&error=x ?t=1;x
      ?redirect_uri=https://evil.example ？t=1 %3Ft=1`),
    `${value}%00`,
    `${value} `,
    `${value}\n`,
  ],
  fragment: () => ['', ...words('# #x #code=ATTACKER #@evil.example %23 #/cb ＃x #?t=1')],
}

/** Spellings near a URI: each part changed, each pair of parts changed, and the whole text changed at each place. */
export function* redirectUriMutations(base: Parts): Generator<string> {
  for (const [index, part] of order.entries()) {
    for (const value of mutations[part](base[part])) {
      const once = { ...base, [part]: value }
      yield printParts(once)
      for (const other of order.slice(index + 1)) {
        for (const second of mutations[other](base[other])) yield printParts({ ...once, [other]: second })
      }
    }
  }
  yield* textMutations(printParts(base))
}

function* textMutations(whole: string): Generator<string> {
  const signs = [...controls, ...encodings, ...words(String.raw`\ / . @ : # ? * [ ] а ａ " < | ^ {`), '`']
  for (let at = 0; at <= whole.length; at++) {
    const [before, sign, after] = [whole.slice(0, at), whole.charAt(at), whole.slice(at + 1)]
    for (const other of signs) {
      yield before + other + sign + after
      yield before + other + after
    }
    yield before
    yield sign + after
    yield before + after
    yield before + sign.toUpperCase() + after
    for (const percent of ['%', '%25']) yield before + percent + sign.charCodeAt(0).toString(16) + after
  }
  for (const other of [
    ...words(
      String.raw`https://evil.example/ https://evil.example? https://evil.example# https://evil.example\ // javascript: data:,`,
    ),
    ' ',
    '\ufeff',
  ]) {
    yield other + whole
    for (const glue of ['', ' ', ',']) yield whole + glue + other
  }
  yield encodeURIComponent(whole)
  yield whole.normalize('NFKD')
  yield whole.split('').toReversed().join('')
}

function words(text: string): readonly string[] {
  return text.split(/[ \n]+/)
}
