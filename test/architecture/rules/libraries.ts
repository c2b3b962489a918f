import { isBuiltin } from 'node:module'
import type { Source } from '../source.ts'

/** The one folder that imports a library. A second folder needs its reason beside it. */
const homes: Record<string, { folders: string[]; types?: string[]; why?: string }> = {
  jose: { folders: ['crypto'] },
  '@node-rs/argon2': { folders: ['crypto'] },
  '@zxcvbn-ts/core': { folders: ['accounts'] },
  '@zxcvbn-ts/language-common': { folders: ['accounts'] },
  '@zxcvbn-ts/language-en': { folders: ['accounts'] },
  commander: { folders: ['cli'] },
  yaml: { folders: ['config'] },
  zod: { folders: ['config', 'api'], why: 'two edges with a published schema each: the file, and the REST API' },
  pino: { folders: ['server'] },
  'prom-client': { folders: ['server'] },
  'lru-cache': { folders: ['store'] },
  uqr: { folders: ['pages'] },
  '@simplewebauthn/server': { folders: ['crypto'] },
  pg: { folders: ['store/postgres'] },
  mysql2: { folders: ['store/mysql'] },
  '@aws-sdk/client-dynamodb': { folders: ['store/dynamodb'] },
  nodemailer: { folders: ['mail'] },
  oauth4webapi: { folders: ['upstream'] },
  '@zxcvbn-ts/language-de': { folders: ['accounts'] },
  'node:crypto': { folders: ['crypto'] },
  // L8: who reaches out goes through the guard that knows which addresses are public.
  'node:http': {
    folders: ['outbound'],
    types: ['server'],
    why: 'server is given requests in these types, and its Server by node-http.ts',
  },
  'node:https': { folders: ['outbound'] },
  'node:http2': { folders: [] },
  'node:dgram': { folders: [] },
  'node:dns': { folders: [] },
  'node:dns/promises': { folders: ['outbound'] },
  'node:sqlite': { folders: ['store/sqlite'] },
  // Nobody runs other programs, evaluates code or opens a debugger.
  'node:child_process': { folders: [] },
  // Loaded only by `serve --workers`.
  'node:cluster': { folders: ['server'] },
  'node:vm': { folders: ['cli'], why: 'the one way to V8’s collector without a flag at the start; evaluates one word' },
  'node:inspector': { folders: [] },
}

/** Decisions and vocabulary are plain computation. */
const pure = ['protocol', 'domain']

export function libraries(sources: Source[]): string[] {
  return sources.flatMap((source) =>
    source.imports.flatMap(({ specifier, typeOnly }) => {
      if (specifier.startsWith('.')) return []
      if (pure.includes(source.folder)) return [`${source.path} imports ${specifier}: ${source.folder} is pure`]
      if (isBuiltin(specifier) && !specifier.startsWith('node:')) return [`${source.path}: write node:${specifier}`]
      const home = homes[isBuiltin(specifier) ? specifier : packageOf(specifier)]
      if (!home) return isBuiltin(specifier) ? [] : [`${source.path} imports ${specifier}, which has no home`]
      const allowed = typeOnly ? [...home.folders, ...(home.types ?? [])] : home.folders
      if (allowed.some((folder) => source.path.startsWith(`src/${folder}/`))) return []
      return [`${source.path} imports ${specifier}, whose home is ${home.folders.join(' and ') || 'nowhere'}`]
    }),
  )
}

/** Homes of libraries that the package no longer depends on, or shares without saying why. */
export function staleHomes(dependencies: string[]): string[] {
  return Object.entries(homes).flatMap(([name, home]) => {
    if (!isBuiltin(name) && !dependencies.includes(name)) return [`${name} has a home but isn't a dependency`]
    const shared = home.folders.length + (home.types?.length ?? 0) > 1
    return shared && home.why === undefined ? [`${name} has two homes and no reason`] : []
  })
}

export function unusedDependencies(sources: Source[], dependencies: string[]): string[] {
  const imported = new Set(sources.flatMap((source) => source.imports.map((to) => packageOf(to.specifier))))
  return dependencies.filter((name) => !imported.has(name))
}

/** Names that stand on one side only: installed without a line that says why, or explained without being installed. */
export function unexplained(installed: string[], page: string): string[] {
  const explained = [...page.matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1])
  return [
    ...installed.filter((name) => !explained.includes(name)).map((name) => `${name} has no line`),
    ...explained
      .filter((name) => name !== undefined && !installed.includes(name))
      .map((name) => `${name} isn't installed`),
  ]
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}
