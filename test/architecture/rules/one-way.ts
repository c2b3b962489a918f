import type { Source } from '../source.ts'

/** Each folder may import every folder to its left, and none in its own row. */
const rows = [
  ['protocol'],
  ['crypto', 'domain', 'config'],
  ['tokens', 'store'],
  ['keys', 'audit', 'limits', 'outbound', 'mail', 'i18n'],
  ['upstream'],
  ['client-auth', 'sender', 'accounts', 'pages'],
  ['signin', 'vault'],
  ['grants', 'api'],
  ['endpoints'],
  ['server'],
  ['cli'],
]

/** The published library for resource servers stands aside: it must stay small for those who import it alone. */
const aside: Record<string, string[]> = { resource: ['protocol', 'crypto', 'tokens'] }

/** A store adapter is one folder that no other adapter knows. */
const adapters = ['sqlite', 'memory', 'postgres', 'mysql', 'dynamodb']

export function oneWay(sources: Source[]): string[] {
  return sources.flatMap((source) => [
    ...unknownFolder(source),
    ...source.imports.flatMap((to) => judge(source, to.path)),
  ])
}

function judge(source: Source, target: string | undefined): string[] {
  if (target === undefined) return []
  // The version has one home, and npm says which.
  if (target === 'package.json' && source.path === 'src/cli/version.ts') return []
  if (!target.startsWith('src/')) return [`${source.path} imports ${target}, which is outside src`]
  const to = folderOf(target)
  if (to === source.folder) return otherAdapter(source.path, target)
  if (mayImport(source.folder, to)) return []
  return [`${source.path} imports ${target}: ${source.folder || 'src'} may not import ${to || 'src'}`]
}

function mayImport(from: string, to: string): boolean {
  const only = aside[from]
  if (only) return only.includes(to)
  if (to === '' || to in aside) return false
  // The package's entry embeds the server; the command line isn't part of it.
  if (from === '') return to !== 'cli'
  return rowOf(to) < rowOf(from)
}

function otherAdapter(from: string, to: string): string[] {
  const [a, b] = [from, to].map((path) => adapters.find((adapter) => path.startsWith(`src/store/${adapter}/`)))
  return a && b && a !== b ? [`${from} imports ${to}: no adapter knows another`] : []
}

function unknownFolder({ path, folder }: Source): string[] {
  if (folder === '' || folder in aside || rowOf(folder) >= 0) return []
  return [`${path}: the folder ${folder} has no place in the one-way rule`]
}

function rowOf(folder: string): number {
  return rows.findIndex((row) => row.includes(folder))
}

function folderOf(path: string): string {
  const [, first = ''] = path.split('/')
  return first.includes('.') ? '' : first
}
