import { Visitor } from 'oxc-parser'
import type { Source } from '../source.ts'

const emptyWords = [
  'util',
  'helper',
  'common',
  'misc',
  'manager',
  'service',
  'handler',
  'impl',
  'base',
  'abstract',
  'data',
  'info',
]

export const mostLines = 350

/** Files longer than `mostLines`, each with its reason. */
export const longFiles: Record<string, string> = {}

/** Names that say nothing, in files and types; and file names that aren't kebab-case. */
export function names(sources: Source[]): string[] {
  return sources.flatMap((source) => {
    const file = source.path.split('/').at(-1) ?? ''
    const stem = file.replace(/(\.(chromium|stores|debian|long|timed))?(\.test)?\.ts$/, '')
    const kebab = /^[a-z0-9]+(-[a-z0-9]+)*$/.test(stem) ? [] : [`${source.path} isn't kebab-case`]
    const found = source.path.replace(/\.ts$/, '').split(/[/.-]/).filter(isEmpty)
    const types = declaredTypes(source).filter((name) => name.split(/(?<=[a-z0-9])(?=[A-Z])/).some(isEmpty))
    return [
      ...kebab,
      ...found.map((word) => `${source.path}: "${word}" says nothing`),
      ...types.map((name) => `${source.path}: the type ${name} has a word that says nothing`),
    ]
  })
}

export function tooLong(sources: Source[], excused = longFiles): string[] {
  // A language is one file, so that whoever adds one has one to translate: it is as long as there is to say.
  const long = sources
    .filter(({ path }) => !path.startsWith('src/i18n/messages/'))
    .filter((source) => lines(source) > mostLines)
  const listed = Object.keys(excused)
  return [
    ...long
      .filter(({ path }) => !listed.includes(path))
      .map((source) => `${source.path} has ${lines(source)} lines and no reason`),
    ...listed
      .filter((path) => !long.some((source) => source.path === path))
      .map((path) => `${path} needs no reason any more`),
  ]
}

export function medianLines(sources: Source[]): number {
  const sorted = sources.map(lines).toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

/** Doors out of the type checker and the linter, and promises instead of work. */
export function silenced(sources: Source[]): string[] {
  return sources.flatMap((source) => {
    const comments = source.comments.flatMap(({ value }) => {
      const typed = /@ts-(ignore|nocheck|expect-error)\b(.*)/.exec(value)
      // A test may show that something doesn't compile, if it says what.
      const proof = source.path.startsWith('test/') && typed?.[1] === 'expect-error' && /\w{3}/.test(typed[2] ?? '')
      const silent = (typed && !proof) || /\b(ox|es)lint-disable|prettier-ignore|\b(TODO|FIXME|XXX)\b/.test(value)
      return silent ? [`${source.path}: ${value.trim()}`] : []
    })
    let anys = 0
    new Visitor({ TSAnyKeyword: () => void (anys += 1) }).visit(source.program)
    return anys > 0 ? [...comments, `${source.path}: any`] : comments
  })
}

function declaredTypes(source: Source): string[] {
  const found: string[] = []
  new Visitor({
    TSInterfaceDeclaration: ({ id }) => void found.push(id.name),
    TSTypeAliasDeclaration: ({ id }) => void found.push(id.name),
    ClassDeclaration: ({ id }) => void (id && found.push(id.name)),
  }).visit(source.program)
  return found
}

function isEmpty(word: string): boolean {
  return emptyWords.includes(word.toLowerCase().replace(/s$/, '')) || emptyWords.includes(word.toLowerCase())
}

function lines(source: Source): number {
  return source.text.trimEnd().split('\n').length
}
