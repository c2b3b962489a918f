import { Visitor } from 'oxc-parser'
import type { Source } from '../source.ts'

/** What reads the world instead of its arguments, or reaches out into it, and the files that may. */
const homes: Record<string, readonly string[]> = {
  // The library for APIs runs where no server of ours could tell it the time.
  'Date.now': ['src/server/system.ts', 'src/resource/clock.ts'],
  'new Date()': ['src/server/system.ts'],
  'process.env': ['src/server/environment.ts'],
  'Math.random': [],
  'globalThis.crypto': [],
  // L8: the server reaches out through src/outbound alone. These run elsewhere, and ask a server of ours that their user named.
  fetch: [
    'src/cli/ask-vault.ts',
    'src/cli/call-api.ts',
    'src/resource/ask-json.ts',
    'src/resource/create-resource-server.ts',
  ],
  WebSocket: [],
  EventSource: [],
}

export function ambient(sources: Source[]): string[] {
  return sources.flatMap((source) =>
    [...ambientUses(source)]
      .filter((use) => homes[use]?.includes(source.path) !== true)
      .map((use) => `${source.path} uses ${use}, whose home is ${homes[use]?.join(' and ') || 'nowhere'}`),
  )
}

function ambientUses(source: Source): Set<string> {
  const uses = new Set<string>()
  const member = (object: string, property: string) => {
    const name = `${object}.${property}`
    if (name in homes) uses.add(name)
    if (object === 'globalThis' && property in homes) uses.add(property)
    if (object === 'crypto' && ['getRandomValues', 'randomUUID', 'subtle'].includes(property))
      uses.add('globalThis.crypto')
  }
  const visitor = new Visitor({
    MemberExpression({ object, property }) {
      const owner =
        object.type === 'MemberExpression' && object.property.type === 'Identifier' ? object.property : object
      if (owner.type !== 'Identifier') return
      if (property.type === 'Identifier') member(owner.name, property.name)
      if (property.type === 'Literal') member(owner.name, String(property.value))
    },
    VariableDeclarator({ id, init }) {
      if (init?.type === 'Identifier' && init.name === 'fetch') uses.add('fetch')
      if (id.type !== 'ObjectPattern' || init?.type !== 'Identifier') return
      for (const property of id.properties) {
        if (property.type === 'Property' && property.key.type === 'Identifier') member(init.name, property.key.name)
      }
    },
    ImportDeclaration({ source: from, specifiers }) {
      if (!/^(node:)?process$/.test(from.value)) return
      for (const specifier of specifiers) {
        if (specifier.type === 'ImportSpecifier' && specifier.imported.type === 'Identifier') {
          member('process', specifier.imported.name)
        }
      }
    },
    NewExpression({ callee, arguments: given }) {
      if (callee.type === 'Identifier' && callee.name in homes) uses.add(callee.name)
      if (callee.type === 'Identifier' && callee.name === 'Date' && given.length === 0) uses.add('new Date()')
    },
    CallExpression({ callee }) {
      if (callee.type === 'Identifier' && callee.name === 'fetch') uses.add('fetch')
      if (callee.type === 'Identifier' && callee.name === 'Date') uses.add('new Date()')
    },
  })
  visitor.visit(source.program)
  return uses
}
