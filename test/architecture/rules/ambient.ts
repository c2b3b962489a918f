import { Visitor } from 'oxc-parser'
import type { Source } from '../source.ts'

/** What reads the world instead of its arguments, and the one file that may. */
const homes: Record<string, string | undefined> = {
  'Date.now': 'src/server/system.ts',
  'new Date()': 'src/server/system.ts',
  'process.env': 'src/server/environment.ts',
  'Math.random': undefined,
  'globalThis.crypto': undefined,
}

/** The library for APIs runs where no server of ours could tell it the time. */
const libraryClock = 'src/resource/clock.ts'

export function ambient(sources: Source[]): string[] {
  return sources.flatMap((source) =>
    [...ambientUses(source)]
      .filter((use) => homes[use] !== source.path && !(use === 'Date.now' && source.path === libraryClock))
      .map((use) => `${source.path} uses ${use}, whose home is ${homes[use] ?? 'nowhere'}`),
  )
}

function ambientUses(source: Source): Set<string> {
  const uses = new Set<string>()
  const member = (object: string, property: string) => {
    const name = `${object}.${property}`
    if (name in homes) uses.add(name)
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
      if (callee.type === 'Identifier' && callee.name === 'Date' && given.length === 0) uses.add('new Date()')
    },
    CallExpression({ callee }) {
      if (callee.type === 'Identifier' && callee.name === 'Date') uses.add('new Date()')
    },
  })
  visitor.visit(source.program)
  return uses
}
