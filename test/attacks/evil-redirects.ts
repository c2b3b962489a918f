/**
 * Redirect URIs of family A. Registered: `https://app.example/cb` for `app`, `http://127.0.0.1/cb` for `cli`. Each must end on a
 * page wherever a redirect URI is taken: at the authorization endpoint and at sign-out.
 */
export type EvilRedirects = {
  readonly id: string
  readonly name: string
  readonly client: 'app' | 'cli'
  readonly uris: readonly string[]
  /** Whether it can't be registered either. The rest are fine URIs, of somebody else. */
  readonly registrable?: true
}

export const evilRedirects: readonly EvilRedirects[] = [
  {
    id: 'A01',
    name: 'wildcard-host',
    client: 'app',
    uris: [
      'https://attacker.example/.app.example',
      'https://attacker.example/app.example/cb',
      'https://attackerapp.example/cb',
      'https://app.example.attacker.example/cb',
    ],
    registrable: true,
  },
  {
    id: 'A04',
    name: 'double-encoding',
    client: 'app',
    uris: [
      'https://app.example/cb/%252e%252e%252fevil',
      'https://app.example/cb%252f..%252fevil',
      'https://app.example/cb/%2e%2e%2fevil',
      'https://app.example/cb%2f%2e%2e',
      'https://app.example%252f@evil.example/cb',
    ],
  },
  {
    id: 'A05',
    name: 'userinfo',
    client: 'cli',
    uris: [
      'http://127.0.0.1:80@evil.example/cb',
      'http://127.0.0.1@evil.example/cb',
      'http://127.0.0.1:1@127.0.0.1/cb',
      'http://u:p@127.0.0.1/cb',
    ],
  },
  {
    id: 'A05',
    name: 'userinfo',
    client: 'app',
    uris: [
      'https://app.example@evil/cb',
      'https://app.example:443@evil.example/cb',
      'https://user@app.example/cb',
      'https://@app.example/cb',
    ],
  },
  {
    id: 'A06',
    name: 'backslash',
    client: 'app',
    uris: [
      String.raw`https://evil.example\@app.example/cb`,
      String.raw`https:\\app.example\cb`,
      String.raw`https://app.example\cb`,
      String.raw`https:/\app.example/cb`,
      String.raw`https://app.example\.evil.example/cb`,
    ],
  },
  {
    id: 'A07',
    name: 'fragment',
    client: 'app',
    uris: [
      'https://app.example/cb#x',
      'https://app.example/cb#',
      'https://app.example/cb#code=ATTACKER',
      'https://app.example/cb#/../evil',
    ],
  },
  {
    id: 'A08',
    name: 'extra-query',
    client: 'app',
    uris: ['https://app.example/cb?x=1', 'https://app.example/cb?x=1&y=2'],
    registrable: true,
  },
  { id: 'A08', name: 'extra-query, empty', client: 'app', uris: ['https://app.example/cb?'] },
  {
    id: 'A08',
    name: 'extra-query on loopback',
    client: 'cli',
    uris: ['http://127.0.0.1/cb?x=1', 'http://127.0.0.1:51004/cb?x=1'],
    registrable: true,
  },
  {
    id: 'A09',
    name: 'loopback-override',
    client: 'app',
    uris: ['http://127.0.0.1/cb', 'http://127.0.0.1:51004/cb', 'http://localhost/cb', 'http://[::1]/cb'],
    registrable: true,
  },
  {
    id: 'A10',
    name: 'loopback-port',
    client: 'cli',
    uris: ['http://localhost:1/cb', 'https://127.0.0.1/cb', 'http://[::1]:1/cb', 'http://127.0.0.1:1/other'],
    registrable: true,
  },
  {
    id: 'A10',
    name: 'loopback-port, near the mark',
    client: 'cli',
    uris: [
      'http://127.0.0.2/cb',
      'http://localhost.evil/cb',
      'http://127.0.0.1.evil.example/cb',
      'http://127.0.0.1:0/cb',
      'http://127.0.0.1:/cb',
      'http://127.0.0.1:65536/cb',
      'http://127.0.0.1:080/cb',
      'http://127.0.0.1:+80/cb',
    ],
  },
  {
    id: 'A11',
    name: 'case-fold of the path',
    client: 'app',
    uris: ['https://app.example/CB', 'https://app.example/Cb'],
    registrable: true,
  },
  {
    id: 'A11',
    name: 'case-fold of scheme and host',
    client: 'app',
    uris: ['HTTPS://app.example/cb', 'Https://app.example/cb', 'https://APP.example/cb'],
  },
  {
    id: 'A12',
    name: 'regex-dot',
    client: 'app',
    uris: ['https://appXexample/cb', 'https://app-example/cb'].map((uri) => uri.toLowerCase()),
    registrable: true,
  },
  {
    id: 'A14',
    name: 'script-scheme',
    client: 'app',
    uris: [
      'javascript:alert(1)//',
      'javascript://app.example/%0aalert(1)',
      'JaVaScRiPt:alert(1)',
      'data:text/html,<script>alert(1)</script>',
      'data:text/html;base64,PHN2Zz4=',
      'vbscript:msgbox(1)',
      'file:///etc/passwd',
      'blob:https://app.example/1',
      'about:blank',
      'view-source:https://app.example/cb',
    ],
  },
  {
    id: 'A16',
    name: 'code-pollution',
    client: 'app',
    uris: [
      'https://app.example/cb?code=ATTACKER',
      'https://app.example/cb?%63ode=ATTACKER',
      'https://app.example/cb?a=1;code=ATTACKER',
      'https://app.example/cb?state=x',
      'https://app.example/cb?code[]=ATTACKER',
    ],
  },
  {
    id: 'A17',
    name: 'path-confusion',
    client: 'app',
    uris: [
      'https://app.example/cb/FAKE/%2e%2e/%2e%2e/open-redirect',
      'https://app.example/cb/../evil',
      'https://app.example/./cb',
      'https://app.example/cb/.',
    ],
  },
  {
    id: 'A17',
    name: 'path-confusion, a longer path',
    client: 'app',
    uris: [
      'https://app.example/cb/',
      'https://app.example//cb',
      'https://app.example/cb/FAKE',
      'https://app.example/c',
      'https://app.example/cb/..;/evil',
    ],
    registrable: true,
  },
  {
    id: 'A18',
    name: 'IDN-homograph',
    client: 'app',
    uris: [
      'https://аpp.example/cb',
      'https://ａpp.example/cb',
      'https://app。example/cb',
      'https://app%E3%80%82example/cb',
      'https://app．example/cb',
      'https://app.exampl\u212F/cb',
      'https://app\u200B.example/cb',
    ],
  },
  {
    id: 'A19',
    name: 'odd-IP',
    client: 'cli',
    uris: [
      'http://2130706433/cb',
      'http://0x7f.1/cb',
      'http://[::ffff:127.0.0.1]/cb',
      'http://0177.0.0.1/cb',
      'http://127.1/cb',
      'http://127.0.0.1./cb',
      'http://[::ffff:7f00:1]/cb',
      'http://0.0.0.0/cb',
    ],
  },
  {
    id: 'A20',
    name: 'header-split',
    client: 'app',
    uris: [
      'https://app.example/cb\r\nSet-Cookie:x=1',
      'https://app.example/cb%0d%0aSet-Cookie:x=1',
      'https://app.example/cb\0',
      'https://app.example/cb%00',
      'https://app.example/cb\t',
      'https://app.example/cb ',
      ' https://app.example/cb',
      'https://app.example/cb\u2028',
      'https://app.example/cb\u0085',
    ],
  },
]
