import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml'
import type { Document, Node } from 'yaml'

export type Path = readonly (string | number)[]

export type YamlDocument = {
  /** Plain values: maps have no prototype, so a key named like one of its members is just a key. */
  readonly value: unknown
  /** `line:column` of a key or element (1-based), or of the nearest thing around it that exists. */
  readonly place: (path: Path) => string
}

export type YamlProblem = { readonly place: string; readonly problem: string }

const maximumLength = 1024 * 1024

/** Our words where the parser's own speak to programmers. */
const wording: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'this key stands here a second time; keep one of the two',
  MULTIPLE_DOCS: 'a second document begins here; keep everything in one',
  NON_STRING_KEY: 'a key must be a plain word',
  RESOURCE_EXHAUSTION: 'nests too deeply',
}

/**
 * Reads YAML 1.2 as plain data. Anchors, aliases, tags and merge keys are refused: they make a reviewed file say something
 * else than it shows (and aliases can grow without bound).
 */
export function readYaml(
  text: string,
): { readonly document: YamlDocument } | { readonly problems: readonly YamlProblem[] } {
  if (text.length > maximumLength) return { problems: [{ place: '1:1', problem: 'the file is larger than 1 MiB' }] }
  const lines = new LineCounter()
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${line}:${col}`
  }
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    merge: false,
    stringKeys: true,
  })
  const problems = [...document.errors, ...document.warnings].map((error) => ({
    place: place(error.pos[0]),
    problem: wording[error.code] ?? error.message.replace(/\s+/g, ' '),
  }))
  if (problems.length > 0) return { problems: problems.slice(0, 5) }
  const refused = refusals(document, place)
  if (refused.length > 0) return { problems: refused }
  const contents = document.contents as Node | null
  return {
    document: {
      value: contents === null ? {} : plain(contents),
      place: (path) => place(offsetOf(contents, path)),
    },
  }
}

function refusals(document: Document, place: (offset: number) => string): YamlProblem[] {
  const found: YamlProblem[] = []
  visit(document, {
    Node: (_key, node) => {
      const at = place(node.range?.[0] ?? 0)
      if (isAlias(node) || node.anchor !== undefined) {
        found.push({ place: at, problem: 'anchors and aliases are not allowed; write the value out' })
      } else if (node.tag !== undefined) {
        found.push({ place: at, problem: `the tag ${node.tag} is not allowed; leave it out` })
      }
    },
  })
  return found.slice(0, 5)
}

function plain(node: Node): unknown {
  if (isSeq<Node>(node)) return node.items.map(plain)
  if (isMap<Node, Node | null>(node)) {
    const map = Object.create(null) as Record<string, unknown>
    for (const { key, value } of node.items) map[keyText(key)] = value === null ? null : plain(value)
    return map
  }
  return isScalar(node) ? node.value : null
}

const keyText = (key: Node): string => (isScalar(key) ? String(key.value) : '')

/** Where the key (or the element) at the end of the path begins. */
function offsetOf(contents: Node | null, path: Path): number {
  let node: Node | null = contents
  let offset = 0
  for (const step of path) {
    if (isMap<Node, Node | null>(node)) {
      const pair = node.items.find(({ key }) => keyText(key) === step)
      if (pair === undefined) break
      offset = pair.key.range?.[0] ?? offset
      node = pair.value
    } else if (isSeq<Node>(node) && typeof step === 'number') {
      node = node.items[step] ?? null
      offset = node?.range?.[0] ?? offset
    } else break
  }
  return offset
}
