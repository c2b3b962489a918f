import { Visitor, type Expression } from 'oxc-parser'
import type { Source } from '../source.ts'

// L8: every request to an address that somebody else can name leaves through src/outbound, which knows which addresses are public.
// rules/libraries.ts says which folder has which client (the drivers of databases, SMTP, HTTP), rules/ambient.ts who calls fetch.
// Here stands what a folder may import for another reason and could reach out with all the same.

/** Modules that open connections, by what else of them may be imported where: everywhere (`*`), or in one file, with its reason. */
const harmless: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'node:net': {
    // They compute.
    '*': ['isIP', 'isIPv4', 'isIPv6', 'BlockList'],
    // The base class of the server that listens.
    'src/server/http.ts': ['Server'],
  },
  // Whether a certificate is for a name: PostgreSQL's own TLS asks.
  'node:tls': { 'src/store/postgres/connection.ts': ['checkServerIdentity'] },
  // `createRequire` would give any module, unseen.
  'node:module': { 'src/cli/compiled-code.ts': ['enableCompileCache'] },
}

/** Names of libraries that fetch by themselves what the guarded client should. */
const reaching: Readonly<Record<string, readonly string[]>> = {
  jose: ['createRemoteJWKSet'],
  'prom-client': ['Pushgateway'],
}

/** Who takes a module of Node without an import, each for the reason that stands beside it. */
const builtins: Readonly<Record<string, readonly string[]>> = {
  'src/server/node-http.ts': ['node:http'],
  'src/outbound/open-request.ts': ['node:http', 'node:https'],
}

/** Who opens a connection of its own, or could. */
export function outward(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => [...new Set(faultsOf(source))].map((fault) => `${source.path} ${fault}`))
}

function faultsOf(source: Source): string[] {
  const faults: string[] = []
  const { path } = source
  /** Where a lazy import stands of which single names are taken. */
  const apart = new Set<number>()
  const named = (specifier: string, name: string): void => {
    const allowed = harmless[specifier]
    const fits = allowed === undefined || [...(allowed['*'] ?? []), ...(allowed[path] ?? [])].includes(name)
    if (!fits || reaching[specifier]?.includes(name) === true) faults.push(`takes ${name} of ${specifier}`)
  }
  const whole = (specifier: string | undefined): void => {
    if (specifier !== undefined && (specifier in harmless || specifier in reaching))
      faults.push(`takes all of ${specifier}`)
  }
  const visitor = new Visitor({
    ImportDeclaration({ source: from, specifiers, importKind }) {
      if (importKind === 'type') return
      for (const one of specifiers) {
        if (one.type !== 'ImportSpecifier') whole(from.value)
        else if (one.importKind !== 'type')
          named(from.value, one.imported.type === 'Literal' ? one.imported.value : one.imported.name)
      }
    },
    ExportNamedDeclaration({ source: from, exportKind }) {
      if (from !== null && exportKind !== 'type') whole(from.value)
    },
    ExportAllDeclaration({ source: from, exportKind }) {
      if (exportKind !== 'type') whole(from.value)
    },
    VariableDeclarator({ id, init }) {
      if (id.type !== 'ObjectPattern' || init?.type !== 'AwaitExpression') return
      if (init.argument.type !== 'ImportExpression') return
      const names = id.properties.map((one) =>
        one.type === 'Property' && one.key.type === 'Identifier' ? one.key.name : undefined,
      )
      const specifier = textOf(init.argument.source)
      if (specifier === undefined || names.includes(undefined)) return
      apart.add(init.argument.start)
      for (const name of names) if (name !== undefined) named(specifier, name)
    },
    ImportExpression({ source: from, start }) {
      if (!apart.has(start)) whole(textOf(from))
    },
    CallExpression({ callee, arguments: given }) {
      if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return
      const { name } = callee.property
      const [first] = given
      if (
        name === 'getBuiltinModule' &&
        (first?.type === 'SpreadElement' || builtins[path]?.includes(textOf(first) ?? '') !== true)
      )
        faults.push(`takes ${textOf(first) ?? 'a module'} without an import`)
      const sends = callee.object.type === 'Identifier' && callee.object.name === 'oauth' && oauthSends.test(name)
      if (sends && !isGuarded(given.at(-1))) faults.push(`lets oauth.${name} fetch by itself`)
    },
  })
  visitor.visit(source.program)
  return faults
}

/** What of oauth4webapi sends something: by the global `fetch`, where its last argument doesn't say otherwise. */
const oauthSends = /Request$|^validateApplicationLevelSignature$|^validateJwtAccessToken$|^validateDetachedSignature/

type Argument = Expression | { readonly type: 'SpreadElement' } | undefined

/** `through(…)` of src/upstream/client-of.ts, its result under the name `options`, or an object that says the same. */
function isGuarded(last: Argument): boolean {
  if (last?.type === 'Identifier') return last.name === 'options'
  if (last?.type === 'CallExpression') return last.callee.type === 'Identifier' && last.callee.name === 'through'
  if (last?.type !== 'ObjectExpression') return false
  return last.properties.some(
    (property) =>
      property.type === 'Property' &&
      property.computed &&
      property.key.type === 'MemberExpression' &&
      property.key.property.type === 'Identifier' &&
      property.key.property.name === 'customFetch',
  )
}

function textOf(node: Argument): string | undefined {
  return node?.type === 'Literal' && typeof node.value === 'string' ? node.value : undefined
}
