import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { exampleFile } from '../../src/config/configuration-page.ts'
import { longestAccessTokenTtl, longestKeepDays } from '../../src/config/schema.ts'
import { storeAddressForms } from '../../src/config/store-address.ts'
import { lifetimes } from '../../src/domain/lifetimes.ts'
import { createLook } from '../../src/pages/look.ts'
import { configOf, load, problemsOf } from './load.ts'

const strong = 'K7mQ2vXr9TbN4cLw8ZpYd3HsJf6GkAeR1uViOx0MqEtWy5CaBn-_'
const another = 'pT5kZr8mWq3xVb7nYc2dLs9hJg4fGaQe6uRiXo1MtEyNw0CvBz_-'

describe('without file, environment and flags', () => {
  test('everything has its default, for this machine alone', () => {
    expect(configOf({})).toEqual({
      issuer: 'http://localhost:8080',
      issuerAssumed: true,
      listen: { host: '127.0.0.1', port: 8080 },
      dataDirectory: '/home/op/data',
      store: { adapter: 'sqlite', path: '/home/op/data/gatehouse.db' },
      trustedProxies: [],
      logLevel: 'info',
      eventTtl: 400 * 86_400,
      users: { registration: 'closed' },
      pages: {},
      clients: [],
      resources: [],
      providers: [],
    })
  })

  test('roles that have to have a second factor', () => {
    const yaml = 'users: { second_factor: [admin, superuser] }'
    const { users } = configOf({ files: { '/home/op/gatehouse.yaml': yaml } })
    expect(users).toEqual({ registration: 'closed', secondFactor: ['admin', 'superuser'] })
  })

  test('gatehouse.yaml in the working directory is read if it is there', () => {
    expect(configOf({ files: { '/home/op/gatehouse.yaml': 'listen: { port: 9000 }' } })).toMatchObject({
      issuer: 'http://localhost:9000',
      file: '/home/op/gatehouse.yaml',
    })
  })

  test('the default issuer follows the port', () => {
    expect(configOf({ flags: { port: '9001' } }).issuer).toBe('http://localhost:9001')
  })
})

describe('file < environment < flags', () => {
  const yaml =
    'listen: { host: 127.0.0.2, port: 1001 }\nlog: { level: error }\nmetrics: { port: 1101 }\nstore: "memory:"\nissuer: https://file.example'

  test('the file alone', () => {
    expect(configOf({ yaml })).toMatchObject({
      listen: { host: '127.0.0.2', port: 1001 },
      logLevel: 'error',
      metricsPort: 1101,
      store: { adapter: 'memory' },
      issuer: 'https://file.example',
    })
  })

  const environment = {
    GATEHOUSE_HOST: '127.0.0.3',
    GATEHOUSE_PORT: '1002',
    GATEHOUSE_LOG_LEVEL: 'warn',
    GATEHOUSE_METRICS_PORT: '1102',
    GATEHOUSE_STORE: 'sqlite:here.db',
    GATEHOUSE_ISSUER: 'https://environment.example',
  }
  test('the environment above the file', () => {
    expect(configOf({ yaml, environment })).toMatchObject({
      listen: { host: '127.0.0.3', port: 1002 },
      logLevel: 'warn',
      metricsPort: 1102,
      store: { adapter: 'sqlite', path: '/home/op/here.db' },
      issuer: 'https://environment.example',
    })
  })

  test('flags above both', () => {
    const flags = {
      host: '127.0.0.4',
      port: '1003',
      logLevel: 'debug',
      metricsPort: '1103',
      store: 'memory:',
      issuer: 'https://flag.example',
    }
    expect(configOf({ yaml, environment, flags })).toMatchObject({
      listen: { host: '127.0.0.4', port: 1003 },
      logLevel: 'debug',
      metricsPort: 1103,
      store: { adapter: 'memory' },
      issuer: 'https://flag.example',
    })
  })

  test('the environment may name the file', () => {
    const config = configOf({
      environment: { GATEHOUSE_CONFIG: 'x.yaml' },
      files: { '/home/op/x.yaml': 'issuer: https://x.example' },
    })
    expect(config.issuer).toBe('https://x.example')
  })

  test('paths in the file are relative to it, so that every command finds the same store', () => {
    expect(configOf({ yaml: 'data: ./d' })).toMatchObject({
      dataDirectory: '/etc/gatehouse/d',
      store: { adapter: 'sqlite', path: '/etc/gatehouse/d/gatehouse.db' },
    })
    expect(configOf({ yaml: 'store: sqlite:s.db', flags: { data: 'd' } })).toMatchObject({
      dataDirectory: '/home/op/d',
      store: { adapter: 'sqlite', path: '/etc/gatehouse/s.db' },
    })
  })

  test('an empty variable counts as absent', () => {
    expect(configOf({ environment: { GATEHOUSE_PORT: '' } }).listen.port).toBe(8080)
  })
})

describe('the environment of orchestrators', () => {
  test('tcp:// values that are injected for a service of our name are ignored with a warning', () => {
    const loaded = load({
      environment: {
        GATEHOUSE_PORT: 'tcp://10.0.0.7:8080',
        GATEHOUSE_HOST: 'tcp://10.0.0.7:8080',
        GATEHOUSE_PORT_8080_TCP_PROTO: 'tcp',
      },
    })
    expect(loaded).toMatchObject({
      config: { listen: { host: '127.0.0.1', port: 8080 } },
      warnings: [
        'GATEHOUSE_PORT is ignored: a value that begins with tcp:// comes from an orchestrator',
        'GATEHOUSE_HOST is ignored: a value that begins with tcp:// comes from an orchestrator',
      ],
    })
  })

  test('a misspelt variable is told', () => {
    expect(load({ environment: { GATEHOUSE_ISUER: 'https://a.example' } })).toMatchObject({
      warnings: ['GATEHOUSE_ISUER is ignored: there is no such setting; did you mean GATEHOUSE_ISSUER?'],
    })
  })
})

const client = 'clients:\n  - client_id: web\n'
const confidential = `${client}    redirect_uris: [https://app.example/cb]\n    client_secret: { env: S }\n`

const refusals: readonly [
  name: string,
  given: Parameters<typeof problemsOf>[0],
  problems: readonly (string | RegExp)[],
][] = [
  // Keys
  ['an unknown key', { yaml: 'isuer: https://a.example' }, ['1:1: isuer is an unknown key; did you mean issuer?']],
  [
    'an unknown key like no other',
    { yaml: 'log: { colour: true }' },
    ['1:8: log.colour is an unknown key; known here: level'],
  ],
  [
    'an unknown key in a list',
    { yaml: `${client}    redirect_uri: [x]` },
    ['3:5: clients[0].redirect_uri is an unknown key; did you mean redirect_uris?'],
  ],
  [
    'two unknown keys: both are told',
    { yaml: 'x: 1\nlisten: { hsot: a }' },
    [
      '2:11: listen.hsot is an unknown key; did you mean host?',
      /^1:1: x is an unknown key; known here: issuer, listen, data, /,
    ],
  ],
  [
    'a key that is a member of every object',
    { yaml: '__proto__: { issuer: https://evil.example }' },
    [/^1:1: __proto__ is an unknown key; known here: /],
  ],
  [
    'a merge key',
    { yaml: 'listen: { <<: { port: 1 } }' },
    ['1:11: listen.<< is an unknown key; known here: host, port'],
  ],
  ['a mail section without its server', { yaml: 'mail: { from: a@b.example }' }, [/mail\.smtp (?:is missing|must be)/]],
  [
    'a key twice',
    { yaml: 'issuer: https://a.example\nissuer: https://b.example' },
    ['2:1: this key stands here a second time; keep one of the two'],
  ],
  // YAML
  [
    'an alias',
    { yaml: 'issuer: &a https://a.example\nstore: *a' },
    [
      '1:12: anchors and aliases are not allowed; write the value out',
      '2:8: anchors and aliases are not allowed; write the value out',
    ],
  ],
  [
    'a tag',
    { yaml: 'issuer: !!str https://a.example' },
    ['1:15: the tag tag:yaml.org,2002:str is not allowed; leave it out'],
  ],
  [
    'two documents',
    { yaml: 'issuer: https://a.example\n---\nissuer: https://b.example' },
    ['2:1: a second document begins here; keep everything in one'],
  ],
  ['a key that is a list', { yaml: '? [a]\n: 1' }, ['1:3: a key must be a plain word']],
  ['a list for the whole file', { yaml: '- issuer' }, ['1:1: the file must be a section with keys, found a list']],
  ['a huge file', { yaml: `# ${'x'.repeat(1024 * 1024)}` }, ['1:1: the file is larger than 1 MiB']],
  // Types
  ['text for a number', { yaml: 'listen: { port: "80" }' }, ['1:11: listen.port must be a number, found text']],
  [
    'a fraction for a port',
    { yaml: 'listen: { port: 80.5 }' },
    ['1:11: listen.port must be a whole number, found a number'],
  ],
  ['a port too high', { yaml: 'listen: { port: 65536 }' }, ['1:11: listen.port must be at most 65535']],
  ['nothing for a section', { yaml: 'listen:' }, ['1:1: listen must be a section with keys, found nothing']],
  [
    'a word that is none of the choices',
    { yaml: 'log: { level: loud }' },
    ['1:8: log.level must be one of error, warn, info, debug'],
  ],
  ['text for a list', { yaml: 'trusted_proxies: 10.0.0.1' }, ['1:1: trusted_proxies must be a list, found text']],
  // Issuer
  [
    'an http issuer on a public host',
    { yaml: 'issuer: http://login.example.org' },
    ['1:1: issuer must be https: plain http is for loopback hosts alone; put TLS in front and write https://…'],
  ],
  [
    'an issuer that is no URL',
    { flags: { issuer: 'login.example.org' } },
    ['--issuer is no absolute http(s) URL; write for example https://login.example.org'],
  ],
  [
    'an issuer with a trailing slash',
    { flags: { issuer: 'https://a.example/' } },
    ['--issuer ends in a slash; leave it out, clients compare the issuer letter by letter'],
  ],
  [
    'an issuer with a path',
    { flags: { issuer: 'https://a.example/auth' } },
    ['--issuer has a path; Gatehouse wants an origin of its own, for example https://a.example'],
  ],
  [
    'an issuer with a query',
    { environment: { GATEHOUSE_ISSUER: 'https://a.example?x' } },
    ['GATEHOUSE_ISSUER has a query or fragment; leave it out'],
  ],
  [
    'an issuer with an empty fragment',
    { flags: { issuer: 'https://a.example#' } },
    ['--issuer has a query or fragment; leave it out'],
  ],
  [
    'an issuer with a user name',
    { flags: { issuer: 'https://me@a.example' } },
    ['--issuer carries a user name or password; leave it out'],
  ],
  [
    'an issuer in capitals',
    { flags: { issuer: 'https://A.example' } },
    ["--issuer isn't in canonical form; write https://a.example"],
  ],
  [
    'an issuer with the standard port',
    { flags: { issuer: 'https://a.example:443' } },
    ["--issuer isn't in canonical form; write https://a.example"],
  ],
  [
    'a loopback look-alike',
    { flags: { issuer: 'http://localhost.example.org' } },
    ['--issuer must be https: plain http is for loopback hosts alone; put TLS in front and write https://…'],
  ],
  // Flags and environment
  ['a port that is no number', { flags: { port: '80x' } }, ['--port must be a port number from 0 to 65535']],
  [
    'a port in other digits',
    { environment: { GATEHOUSE_PORT: '٨٠' } },
    ['GATEHOUSE_PORT must be a port number from 0 to 65535'],
  ],
  ['a port with a leading zero', { flags: { port: '080' } }, ['--port must be a port number from 0 to 65535']],
  [
    'a port left to the system without an issuer',
    { flags: { port: '0' } },
    ["--port 0 needs an issuer, since the port isn't known before; add --issuer"],
  ],
  ['no port for metrics', { flags: { metricsPort: '0' } }, ['--metrics-port must be a port number from 1 to 65535']],
  [
    'metrics on the port of the server',
    { flags: { port: '9000', metricsPort: '9000' } },
    ['--metrics-port is the port of the server itself; choose another'],
  ],
  ['an unknown log level', { flags: { logLevel: 'trace' } }, ['--log-level must be one of error, warn, info, debug']],
  ['more workers than anybody has', { flags: { workers: '65' } }, ['--workers must be a number from 1 to 64']],
  [
    'workers that would share nothing',
    { flags: { workers: '2', store: 'memory:' } },
    ['--workers 2 needs a store that processes can share; name another than memory:'],
  ],
  [
    'M07: letters to the log of a server that others reach',
    { flags: { devMail: 'true', issuer: 'https://login.example.org' } },
    ['--dev-mail needs a loopback issuer: the log would hold links that open accounts; use mail.smtp'],
  ],
  [
    'an audit sink of another kind',
    { yaml: 'audit: { sink: "syslog://logs.example" }' },
    ['1:10: audit.sink must be stdout, file:PATH or https://…'],
  ],
  [
    'an audit sink in clear',
    { yaml: 'audit: { sink: "http://logs.example/events" }' },
    ['1:10: audit.sink must be https; a collector inside your own network may say allow_insecure: true'],
  ],
  [
    'an audit sink with its password in the file',
    { yaml: 'audit: { sink: "https://me:secret@logs.example/" }' },
    ['1:10: audit.sink holds a password, which never stands in this file; use authorization: { env: NAME }'],
  ],
  [
    'a header for an audit sink that takes none',
    { yaml: 'audit: { sink: stdout, authorization: { env: SINK } }' },
    ['1:24: audit.authorization is only for a collector at https://…; leave it out'],
  ],
  [
    'a mail server with its password in the file',
    { yaml: 'mail: { smtp: "smtps://me:secret@mail.example", from: a@b.example }' },
    ['1:9: mail.smtp holds a password, which never stands in this file; use { env: NAME } or { file: PATH }'],
  ],
  [
    'a mail server of another kind',
    { yaml: 'mail: { smtp: "https://mail.example", from: a@b.example }' },
    ['1:9: mail.smtp must be smtps://HOST or smtp://HOST'],
  ],
  [
    'letters from two addresses',
    { yaml: 'mail: { smtp: "smtps://mail.example", from: "a@b.example, c@d.example" }' },
    ['1:39: mail.from must be an address such as login@example.org'],
  ],
  // Store
  [
    'an unknown store',
    { flags: { store: 'mongodb://root:hunter2@db/x' } },
    [`--store is no store address; write ${storeAddressForms}`],
  ],
  [
    'a database server without a database',
    { yaml: 'store: mysql://root:hunter2@db' },
    ["1:1: store can't be read; write mysql://USER:PASSWORD@HOST/DATABASE, with what is special in it percent-encoded"],
  ],
  [
    'a table without a region',
    { flags: { store: 'dynamodb://gatehouse' } },
    ['--store names no region and table; write dynamodb://REGION/TABLE, for example dynamodb://eu-central-1/gatehouse'],
  ],
  [
    'an endpoint with a password',
    { flags: { store: 'dynamodb://eu-central-1/gatehouse?endpoint=http://root:hunter2@localhost' } },
    ['--store has an endpoint that is no http or https origin, for example ?endpoint=http://localhost:8000'],
  ],
  [
    'sqlite without a file',
    { flags: { store: 'sqlite:' } },
    ['--store names no file; write sqlite:PATH, for example sqlite:./data/gatehouse.db'],
  ],
  [
    'sqlite written like a URL',
    { flags: { store: 'sqlite://data/x.db' } },
    ['--store names no file; write sqlite:PATH, for example sqlite:./data/gatehouse.db'],
  ],
  // Files
  ['a file that is not there', { flags: { config: 'no.yaml' } }, ["/home/op/no.yaml doesn't exist; check --config"]],
  [
    'a file that may not be read',
    { yaml: 'EACCES' },
    ["/etc/gatehouse/gatehouse.yaml can't be read (EACCES); check that it is a file and may be read"],
  ],
  // Policy
  [
    'a proxy by name',
    { yaml: 'trusted_proxies: [10.0.0.0/8, proxy.local]' },
    ['1:31: trusted_proxies[1] must be an IP address or a range such as 10.0.0.0/8'],
  ],
  [
    'a proxy range too wide to exist',
    { yaml: 'trusted_proxies: [10.0.0.0/33]' },
    ['1:19: trusted_proxies[0] must be an IP address or a range such as 10.0.0.0/8'],
  ],
  [
    'a page that is no https URL',
    { yaml: 'pages: { privacy_policy: "javascript:alert(1)" }' },
    ['1:10: pages.privacy_policy must be an https URL'],
  ],
  [
    'a colour that could be more',
    { yaml: 'pages: { accent: "red;background:url(x)" }' },
    ['1:10: pages.accent must be a colour such as "#2457c5" (in quotes: # begins a comment)'],
  ],
  [
    'a logo of no known kind',
    { yaml: 'pages: { logo: a.exe }' },
    ['1:10: pages.logo must name a .png, .jpg, .webp or .svg file'],
  ],
  [
    'a logo that is not there',
    { yaml: 'pages: { logo: a.png }' },
    ["1:10: pages.logo names a file that doesn't exist; check the path, which is relative to this file"],
  ],
  [
    'a logo that is something else',
    { yaml: 'pages: { logo: a.png }', files: { '/etc/gatehouse/a.png': '<script>' } },
    ['1:10: pages.logo names a file that is no image/png; save it anew'],
  ],
  [
    'a logo that would weigh on every page',
    { yaml: 'pages: { logo: a.svg }', files: { '/etc/gatehouse/a.svg': `<svg>${' '.repeat(50_000)}</svg>` } },
    ['1:10: pages.logo names a picture larger than 48 KiB; make it smaller'],
  ],
  // Clients
  ['a client without id', { yaml: 'clients: [{ client_name: x }]' }, ['1:11: clients[0].client_id is missing; add it']],
  [
    'a client id like a user id',
    { yaml: 'clients: [{ client_id: usr_x }]' },
    ['1:13: clients[0].client_id must be 1 to 128 letters, digits or -._~, and not begin like a user id (usr_)'],
  ],
  [
    'a client id like a user id in capitals',
    { yaml: 'clients: [{ client_id: USR_x }]' },
    ['1:13: clients[0].client_id must be 1 to 128 letters, digits or -._~, and not begin like a user id (usr_)'],
  ],
  [
    'the client of the first start',
    {
      yaml: 'clients: [{ client_id: loopback, token_endpoint_auth_method: none, redirect_uris: ["https://a.example"] }]',
    },
    ["1:13: clients[0].client_id is Gatehouse's own client; choose another name"],
  ],
  [
    'a client without secret',
    { yaml: `${client}    redirect_uris: [https://app.example/cb]` },
    ['2:5: clients[0].client_secret is missing for client_secret_basic; add { env: NAME } or { file: PATH }'],
  ],
  [
    'a secret in clear',
    { yaml: `${client}    client_secret: ${strong}` },
    ['3:5: clients[0].client_secret must be { env: NAME } or { file: PATH }: a secret never stands in this file'],
  ],
  [
    'a secret that a public client never uses',
    { yaml: `${confidential}    token_endpoint_auth_method: none`, environment: { S: strong } },
    ["4:5: clients[0].client_secret isn't used with token_endpoint_auth_method none; leave it out"],
  ],
  [
    'a secret from nowhere',
    { yaml: confidential },
    ["4:5: clients[0].client_secret names the environment variable S, which isn't set; set it"],
  ],
  [
    'a secret in no file',
    { yaml: `${client}    client_secret: { file: s }` },
    ["3:5: clients[0].client_secret names the file s, which doesn't exist; create it"],
  ],
  [
    'a secret in a closed file',
    { yaml: `${client}    client_secret: { file: s }`, files: { '/etc/gatehouse/s': 'EACCES' } },
    ["3:5: clients[0].client_secret names the file s, which can't be read (EACCES); check its permissions"],
  ],
  [
    'a short secret',
    { yaml: confidential, environment: { S: 'hunter2' } },
    [
      '4:5: clients[0].client_secret has at most 42 bits, at least 256 are needed; make one with: openssl rand -base64 48',
    ],
  ],
  [
    'a long secret of few letters',
    { yaml: confidential, environment: { S: 'ab'.repeat(40) } },
    ['4:5: clients[0].client_secret repeats itself, so it can be guessed; make one with: openssl rand -base64 48'],
  ],
  [
    'a long secret of few letters in no order',
    {
      yaml: confidential,
      environment: { S: 'aabbcabacbbacaabcbcbacabbcacbaacbbcabcabacbbacacbabcacbbaccabbacabcbacbb' },
    },
    ['4:5: clients[0].client_secret repeats itself, so it can be guessed; make one with: openssl rand -base64 48'],
  ],
  [
    'a word written over and over',
    { yaml: confidential, environment: { S: 'correcthorsebattery'.repeat(3) } },
    ['4:5: clients[0].client_secret repeats itself, so it can be guessed; make one with: openssl rand -base64 48'],
  ],
  [
    'a secret with a space',
    { yaml: confidential, environment: { S: `${strong} x` } },
    [
      '4:5: clients[0].client_secret holds a space, a line break or a letter outside ASCII; make one with: openssl rand -base64 48',
    ],
  ],
  [
    'one secret for two clients',
    {
      yaml: `${confidential}${confidential.replace('clients:\n', '').replace('web', 'web2').replace('env: S', 'file: s')}`,
      environment: { S: strong },
      files: { '/etc/gatehouse/s': `${strong}\n` },
    },
    ['7:5: clients[1].client_secret stands at clients[0].client_secret already; each needs its own'],
  ],
  [
    'one client twice',
    {
      yaml: `${confidential}${confidential.replace('clients:\n', '').replace('env: S', 'env: T')}`,
      environment: { S: strong, T: another },
    },
    ['5:5: clients[1].client_id stands at clients[0].client_id already; each needs its own'],
  ],
  [
    'a redirect URI with a wildcard',
    {
      yaml: `${client}    redirect_uris:\n      - https://app.example/cb\n      - https://*.example/cb\n    token_endpoint_auth_method: none`,
    },
    [
      '5:9: clients[0].redirect_uris[1] has a wildcard; register each URI as it is, redirect URIs are compared letter by letter',
    ],
  ],
  [
    'the password grant without its switch',
    { yaml: `${client}    grant_types: [password]\n    token_endpoint_auth_method: none` },
    ['3:5: clients[0].grant_types holds password, which needs the legacy switch password'],
  ],
  [
    'administration through the password grant',
    {
      yaml: `${client}    grant_types: [password]\n    legacy: [password]\n    token_endpoint_auth_method: none\n    scope: openid admin`,
    },
    [
      '6:5: clients[0].scope names a reserved scope, which a client with the password grant may not hold; leave one of them out',
    ],
  ],
  // Resources
  [
    'a resource that is no absolute URI',
    { yaml: 'resources: [{ resource: api }]' },
    ['1:15: resources[0].resource must be an absolute URI without fragment, its scheme in lower case'],
  ],
  [
    'a resource that is the issuer',
    { yaml: 'resources: [{ resource: "http://localhost:8080" }]' },
    ['1:15: resources[0].resource is the issuer, which has tokens of its own; name the API by its own address'],
  ],
  [
    'a resource twice',
    { yaml: 'resources: [{ resource: "https://a.example" }, { resource: "https://a.example" }]' },
    ['1:50: resources[1].resource stands at resources[0].resource already; each needs its own'],
  ],
  [
    'a scope that is ours',
    { yaml: 'resources: [{ resource: "https://a.example", scope: read admin }]' },
    ['1:46: resources[0].scope names admin, which belongs to Gatehouse; choose another name'],
  ],
  [
    'a scope with two spaces',
    { yaml: 'resources: [{ resource: "https://a.example", scope: "a  b" }]' },
    ['1:46: resources[0].scope must be scope names with exactly one space between them'],
  ],
  [
    'a token that lives too long',
    { yaml: 'resources: [{ resource: "https://a.example", access_token: { ttl: 86400 } }]' },
    ['1:62: resources[0].access_token.ttl must be at most 3600'],
  ],
  // Secrets of the server
  [
    'a weak key secret',
    { environment: { GATEHOUSE_SECRET: 'changeme' } },
    ['GATEHOUSE_SECRET has at most 48 bits, at least 256 are needed; make one with: openssl rand -base64 48'],
  ],
  [
    'an empty key secret',
    { environment: { GATEHOUSE_SECRET: '' } },
    ['GATEHOUSE_SECRET has at most 0 bits, at least 256 are needed; make one with: openssl rand -base64 48'],
  ],
]

describe('what refuses to start names place, key and mend', () => {
  test.each(refusals)('%s', (_name, given, problems) => {
    const found = problemsOf(given)
    expect(found).toHaveLength(problems.length)
    for (const [index, wanted] of problems.entries()) {
      if (typeof wanted === 'string') expect(found[index]).toBe(wanted)
      else expect(found[index]).toMatch(wanted)
    }
  })

  test('no refusal shows a value: it may be a secret', () => {
    const canary = 'hunter2canary'
    const everywhere = `issuer: ${canary}\nstore: ${canary}\ndata: [${canary}]\nlog: { level: ${canary} }\n${client}    client_secret: ${canary}\n    scope: ["${canary}"]`
    expect(problemsOf({ yaml: everywhere }).length).toBeGreaterThan(3)
    expect(JSON.stringify(problemsOf({ yaml: everywhere }))).not.toContain(canary)
    const flags = { issuer: canary, store: `mysqlx://root:${canary}@db`, port: canary, logLevel: canary }
    expect(problemsOf({ flags }).length).toBe(4)
    expect(JSON.stringify(problemsOf({ flags }))).not.toContain(canary)
  })

  test('nothing that was read reaches the prototype of other objects', () => {
    load({
      yaml: '__proto__: { isAdmin: true }\nlisten: { __proto__: { isAdmin: true } }\nconstructor: { prototype: { isAdmin: true } }',
    })
    expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined()
  })
})

describe('secrets', () => {
  test('come from the environment or a file, and print as nothing', () => {
    const config = configOf({
      yaml: `${confidential}  - client_id: two\n    redirect_uris: [https://two.example/cb]\n    client_secret: { file: secrets/two }`,
      environment: { S: strong, GATEHOUSE_SECRET: another, GATEHOUSE_ADMIN_PASSWORD: 'a long enough password' },
      files: { '/etc/gatehouse/secrets/two': `${another}\r\n` },
    })
    expect(config.clients.map((each) => each.secret?.reveal())).toEqual([strong, another])
    expect(config.keySecret?.reveal()).toBe(another)
    expect(config.adminPassword?.reveal()).toBe('a long enough password')
    for (const printed of [
      JSON.stringify(config),
      inspect(config, { depth: 9, showHidden: true }),
      String(config.keySecret),
    ]) {
      expect(printed).not.toContain(strong)
      expect(printed).not.toContain(another)
      expect(printed).not.toContain('a long enough password')
    }
  })

  test('64 hexadecimal digits and 43 letters of base64url are 256 bits; one less is not', () => {
    const hex = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'
    for (const [secret, fine] of [
      [hex, true],
      [hex.slice(1), false],
      [strong.slice(0, 43), true],
      [strong.slice(0, 42), false],
    ] as const) {
      expect(problemsOf({ environment: { GATEHOUSE_SECRET: secret } }).length === 0).toBe(fine)
    }
  })
})

test('a logo becomes a data: address, and the name of the place goes with it', () => {
  const { pages } = configOf({
    yaml: 'pages: { product_name: Harbour, logo: pictures/a.png }',
    files: { '/etc/gatehouse/pictures/a.png': '\x89PNG\r\n\x1a\n' },
  })
  expect(pages).toEqual({ productName: 'Harbour', logo: 'data:image/png;base64,iVBORw0KGgo=' })
  expect(createLook(pages, () => 'hash').logo).toBeDefined()
})

describe('clients and APIs of the file', () => {
  test('the example of the documentation loads', () => {
    const config = configOf({ yaml: exampleFile, environment: { WEB_SECRET: strong } })
    expect(
      config.clients.map(({ metadata }) => [metadata.clientId, metadata.authentication.method, metadata.grantTypes]),
    ).toEqual([
      ['web', 'client_secret_basic', ['authorization_code', 'refresh_token']],
      ['phone', 'none', ['authorization_code']],
    ])
    expect(config.resources).toEqual([
      {
        resource: 'https://api.example',
        scope: ['read', 'write'],
        accessToken: { format: 'jwt', ttl: 900, claims: [] },
        introspectionClients: ['web'],
      },
    ])
    expect(config).toMatchObject({
      metricsPort: 9464,
      pages: { accent: '#2457c5', privacyPolicy: 'https://example.org/privacy' },
    })
  })

  test('loopback issuers may be http, whatever they are called', () => {
    for (const issuer of ['http://localhost:1', 'http://127.0.0.1:1', 'http://127.9.9.9', 'http://[::1]:1']) {
      expect(configOf({ flags: { issuer } }).issuer).toBe(issuer)
    }
  })

  test('no access token of a resource outlives what keys are kept for', () => {
    expect(longestAccessTokenTtl).toBe(lifetimes.longestAccessToken)
  })

  test('no audit event is kept longer than stores count on', () => {
    const keeping = (days: number) => ({ files: { '/home/op/gatehouse.yaml': `events: { keep_days: ${days} }` } })
    expect(configOf(keeping(longestKeepDays)).eventTtl).toBe(lifetimes.longestEvent)
    expect(problemsOf(keeping(longestKeepDays + 1))).toEqual([expect.stringContaining('must be at most 3650')])
  })
})

test('an audit sink is standard output, a file beside the configuration, or a collector with a header', () => {
  const audit = (yaml: string): unknown =>
    configOf({
      files: { '/etc/gh/gatehouse.yaml': yaml },
      flags: { config: '/etc/gh/gatehouse.yaml' },
      environment: { SINK: 'Splunk abc' },
    }).audit
  expect(audit('audit: { sink: stdout }')).toEqual({ to: 'stdout' })
  expect(audit('audit: { sink: file:audit.jsonl }')).toEqual({ to: 'file', path: '/etc/gh/audit.jsonl' })
  const http = audit('audit: { sink: "https://logs.example/events", authorization: { env: SINK } }')
  expect(http).toMatchObject({ to: 'http', url: 'https://logs.example/events', allowInsecure: false })
  expect((http as { authorization: { reveal: () => string } }).authorization.reveal()).toBe('Splunk abc')
  expect(inspect(http)).not.toContain('Splunk')
})
