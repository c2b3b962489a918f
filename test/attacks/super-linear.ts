/**
 * Whether a backtracking engine can be made to work longer than in proportion to its input on a regular expression (J17).
 *
 * The expression becomes its position automaton (Glushkov: one state per character of the pattern), and two questions are asked,
 * both about words that can be read in several ways, since those are all that a backtracking engine tries one after another:
 * - *exponential*: a state that a word leads back to itself on two different ways, as in `(a+)+`;
 * - *polynomial*: two loops, one behind the other, that read the same word, as in `a*a*b`. An expression that isn't anchored begins
 *   with a loop of its own, the search for where to begin, so ` +$` counts too.
 *
 * Characters are compared on a sample of Unicode, and repetitions with an upper bound count as a few copies: they cost a factor, not
 * a power. Lookarounds are analysed for themselves. Back-references are refused: nothing here needs one.
 */
export type Finding = {
  readonly kind: 'exponential' | 'polynomial' | 'unsupported'
  /** What to repeat. */
  readonly pump: string
}

/** A way to make it busy: read `prefix`, turn in the loop, fail at the end. */
export type Pump = { readonly prefix: string; readonly loop: string }

export function findingsOf(source: string, flags: string): readonly Finding[] {
  const automata = automataOf(source, flags)
  if (automata === undefined) return [{ kind: 'unsupported', pump: '' }]
  return automata.flatMap((automaton) => [...exponential(automaton), ...polynomial(automaton)])
}

/** One for each character that some loop reads. */
export function pumpsOf(source: string, flags: string): readonly Pump[] {
  return (automataOf(source, flags) ?? []).flatMap((automaton) => {
    const reach = reachability(automaton)
    return automaton.sets.flatMap((set, state) =>
      reach[state]?.has(state) === true && state >= automaton.firstReal
        ? [{ prefix: wayTo(automaton, state), loop: sampleOf(set) }]
        : [],
    )
  })
}

type Node =
  | { readonly is: 'set'; readonly chars: ReadonlySet<number> }
  | { readonly is: 'assert'; readonly begins: boolean }
  | { readonly is: 'all'; readonly parts: readonly Node[] }
  | { readonly is: 'any'; readonly parts: readonly Node[] }
  | { readonly is: 'repeat'; readonly part: Node; readonly least: number; readonly most: number }

type Automaton = {
  readonly sets: readonly ReadonlySet<number>[]
  /** Edges, with how many ways each is there. */
  readonly next: readonly ReadonlyMap<number, number>[]
  readonly first: readonly number[]
  /** States in which the expression has matched, whatever follows: there nothing is ever tried again. */
  readonly settled: ReadonlySet<number>
  /** The search for a beginning comes before. */
  readonly firstReal: number
}

const mostCopies = 3

// Everything up to Latin Extended, and something of what expressions name beyond.
const alphabet: readonly number[] = [
  ...Array.from({ length: 0x250 }, (_, code) => code),
  0x301,
  0x3b1,
  0x430,
  0x531,
  0x5d0,
  0x627,
  0x905,
  0x985,
  0xe01,
  0x10d0,
  0x1100,
  0x1200,
  0x1780,
  0x1e00,
  0x200b,
  0x2028,
  0x2029,
  0x202e,
  0x2066,
  0x3042,
  0x30a2,
  0x3105,
  0x4e00,
  0xac00,
  0xd800,
  0xfeff,
  0xfffd,
]

function automataOf(source: string, flags: string): readonly Automaton[] | undefined {
  const inner: Node[] = []
  const parsed = parse(source, flags, inner)
  if (parsed === undefined) return undefined
  return [build(parsed, !beginsAnchored(parsed)), ...inner.map((node) => build(node, false))]
}

function parse(source: string, flags: string, inner: Node[]): Node | undefined {
  let at = 0
  let supported = true
  const plainFlags = flags.replaceAll(/[gyd]/g, '')
  const unicode = /[uv]/.test(flags)

  function alternatives(): Node {
    const parts = [sequence()]
    while (source[at] === '|') {
      at += 1
      parts.push(sequence())
    }
    const [only] = parts
    return parts.length === 1 && only !== undefined ? only : { is: 'any', parts }
  }

  function sequence(): Node {
    const parts: Node[] = []
    while (at < source.length && source[at] !== '|' && source[at] !== ')') parts.push(quantified(atom()))
    return { is: 'all', parts }
  }

  function quantified(part: Node): Node {
    const match = /^(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/.exec(source.slice(at))
    if (match === null) return part
    at += match[0].length
    const [, sign, least = '0', comma, most] = match
    if (sign !== undefined) {
      return { is: 'repeat', part, least: sign === '+' ? 1 : 0, most: sign === '?' ? 1 : Number.POSITIVE_INFINITY }
    }
    const upper = comma === '' ? Number(least) : most === '' ? Number.POSITIVE_INFINITY : Number(most)
    return { is: 'repeat', part, least: Number(least), most: upper }
  }

  function atom(): Node {
    const rest = source.slice(at)
    const group = /^\((?:\?(?:<[A-Za-z]\w*>|[:=!]|<[=!]))?/.exec(rest)?.[0]
    if (group !== undefined) {
      at += group.length
      const body = alternatives()
      if (source[at] !== ')') throw new Error(`no end of a group in ${source}`)
      at += 1
      if (!/^\(\?<?[=!]$/.test(group)) return body
      inner.push(body)
      return { is: 'assert', begins: false }
    }
    if (rest[0] === '^' || rest[0] === '$' || /^\\[bB]/.test(rest)) {
      at += rest[0] === '\\' ? 2 : 1
      return { is: 'assert', begins: rest[0] === '^' && !flags.includes('m') }
    }
    const text =
      /^(?:\[\^?\]?(?:\\.|[^\]\\])*\]|\\p\{[^}]*\}|\\P\{[^}]*\}|\\u\{[^}]*\}|\\u[\da-fA-F]{4}|\\x[\da-fA-F]{2}|\\c[A-Za-z]|\\[^])/.exec(
        rest,
      )?.[0]
    const one = text ?? (unicode ? String.fromCodePoint(rest.codePointAt(0) ?? 0) : rest.slice(0, 1))
    at += one.length
    if (/^\\(?:[1-9]|k<)/.test(one)) supported = false
    const letter = new RegExp(`^(?:${one})$`, plainFlags.replace('m', ''))
    return { is: 'set', chars: new Set(alphabet.filter((code) => letter.test(String.fromCodePoint(code)))) }
  }

  const node = alternatives()
  if (at < source.length) throw new Error(`not all of ${source} was read`)
  return supported ? node : undefined
}

function beginsAnchored(node: Node): boolean {
  switch (node.is) {
    case 'assert':
      return node.begins
    case 'all':
      return node.parts[0] !== undefined && beginsAnchored(node.parts[0])
    case 'any':
      return node.parts.every(beginsAnchored)
    case 'repeat':
      return node.least > 0 && beginsAnchored(node.part)
    case 'set':
      return false
  }
}

/** What a part of the expression begins and ends with, and whether it may read nothing: freely, or if an assertion holds. */
type Span = {
  readonly first: readonly number[]
  readonly last: readonly (readonly [state: number, settled: boolean])[]
  readonly empty: false | 'freely' | 'if'
}

function build(node: Node, searches: boolean): Automaton {
  const sets: ReadonlySet<number>[] = searches ? [new Set(alphabet)] : []
  const next: Map<number, number>[] = searches ? [new Map([[0, 1]])] : []

  function link(from: readonly (readonly [number, boolean])[], to: readonly number[]): void {
    for (const [state] of from) {
      for (const target of to) next[state]?.set(target, (next[state].get(target) ?? 0) + 1)
    }
  }

  function span(part: Node): Span {
    switch (part.is) {
      case 'assert':
        return { first: [], last: [], empty: 'if' }
      case 'set': {
        const state = sets.push(part.chars) - 1
        next.push(new Map())
        return { first: [state], last: [[state, true]], empty: false }
      }
      case 'any': {
        const spans = part.parts.map(span)
        const empties = spans.map(({ empty }) => empty)
        return {
          first: spans.flatMap(({ first }) => first),
          last: spans.flatMap(({ last }) => last),
          empty: empties.includes('freely') ? 'freely' : empties.includes('if') ? 'if' : false,
        }
      }
      case 'all':
        return part.parts.map((one) => () => span(one)).reduce<Span>((before, make) => join(before, make()), nothing)
      case 'repeat': {
        const { least, most } = part
        const copies = Math.min(mostCopies, Math.max(least, most === Number.POSITIVE_INFINITY ? 1 : most))
        let whole: Span = nothing
        for (let copy = 0; copy < copies; copy += 1) {
          const one = span(part.part)
          if (most === Number.POSITIVE_INFINITY && copy === copies - 1) link(one.last, one.first)
          whole = join(whole, copy < least ? one : { ...one, empty: 'freely' })
        }
        return whole
      }
    }
  }

  function join(before: Span, after: Span): Span {
    link(before.last, after.first)
    return {
      first: before.empty === false ? before.first : [...before.first, ...after.first],
      last: [
        ...(after.empty === false
          ? []
          : before.last.map(([state, settled]) => [state, settled && after.empty === 'freely'] as const)),
        ...after.last,
      ],
      empty: before.empty === false || after.empty === false ? false : before.empty === 'if' ? 'if' : after.empty,
    }
  }

  const { first, last } = span(node)
  if (searches) for (const state of first) next[0]?.set(state, 1)
  return {
    sets,
    next,
    first: searches ? [0, ...first] : first,
    settled: new Set(last.flatMap(([state, settled]) => (settled ? [state] : []))),
    firstReal: searches ? 1 : 0,
  }
}

const nothing: Span = { first: [], last: [], empty: 'freely' }

/** For each state, which states a word can lead to. */
function reachability({ next }: Automaton): readonly ReadonlySet<number>[] {
  return next.map((edges) => {
    const seen = new Set<number>()
    const todo = [...edges.keys()]
    for (let state = todo.pop(); state !== undefined; state = todo.pop()) {
      if (seen.has(state)) continue
      seen.add(state)
      todo.push(...(next[state]?.keys() ?? []))
    }
    return seen
  })
}

function exponential(automaton: Automaton): readonly Finding[] {
  const { next, sets } = automaton
  const reach = reachability(automaton)
  const inOneLoop = (a: number, b: number) => reach[a]?.has(b) === true && reach[b]?.has(a) === true
  const found: Finding[] = []
  for (const [state, edges] of next.entries()) {
    for (const [target, ways] of edges) {
      if (ways > 1 && inOneLoop(state, target)) found.push({ kind: 'exponential', pump: sampleOf(sets[target]) })
    }
  }
  // Two ways apart and together again: from (q, q) over some (p, p') back to (q, q), on one word.
  for (const state of sets.keys()) {
    if (reach[state]?.has(state) !== true) continue
    const apart = pairsFrom(automaton, [[state, state]], (a, b) => inOneLoop(a, state) && inOneLoop(b, state))
    for (const pair of apart) {
      const [a = 0, b = 0] = pair.split(' ').map(Number)
      if (a === b) continue
      const back = pairsFrom(automaton, [[a, b]], (c, d) => inOneLoop(c, state) && inOneLoop(d, state))
      if (back.has(`${state} ${state}`)) return [...found, { kind: 'exponential', pump: sampleOf(sets[state]) }]
    }
  }
  return found
}

function pairsFrom(
  { next, sets }: Automaton,
  from: readonly (readonly [number, number])[],
  within: (a: number, b: number) => boolean,
): ReadonlySet<string> {
  const seen = new Set<string>()
  const todo = [...from]
  for (let pair = todo.pop(); pair !== undefined; pair = todo.pop()) {
    for (const a of next[pair[0]]?.keys() ?? []) {
      for (const b of next[pair[1]]?.keys() ?? []) {
        const key = `${a} ${b}`
        if (seen.has(key) || !within(a, b) || !overlap(sets[a], sets[b])) continue
        seen.add(key)
        todo.push([a, b])
      }
    }
  }
  return seen
}

/** A word that leads from p to p, from p to q, and from q to q, all at once: each of its repetitions may belong to either loop. */
function polynomial(automaton: Automaton): readonly Finding[] {
  const { next, sets, settled } = automaton
  const reach = reachability(automaton)
  const loops = [...sets.keys()].filter((state) => reach[state]?.has(state) === true)
  for (const p of loops) {
    for (const q of loops) {
      if (p === q || reach[p]?.has(q) !== true || settled.has(q)) continue
      if (leadsBack(p, q)) return [{ kind: 'polynomial', pump: sampleOf(sets[q]) }]
    }
  }
  return []

  function leadsBack(p: number, q: number): boolean {
    const seen = new Set<string>()
    const todo: (readonly [number, number, number])[] = [[p, p, q]]
    for (let triple = todo.pop(); triple !== undefined; triple = todo.pop()) {
      for (const a of next[triple[0]]?.keys() ?? []) {
        if (reach[a]?.has(p) !== true) continue
        for (const b of next[triple[1]]?.keys() ?? []) {
          if (b !== q && reach[b]?.has(q) !== true) continue
          for (const c of next[triple[2]]?.keys() ?? []) {
            if (reach[c]?.has(q) !== true || !overlap(sets[a], sets[b], sets[c])) continue
            if (a === p && b === q && c === q) return true
            const key = `${a} ${b} ${c}`
            if (seen.has(key)) continue
            seen.add(key)
            todo.push([a, b, c])
          }
        }
      }
    }
    return false
  }
}

function overlap(...sets: readonly (ReadonlySet<number> | undefined)[]): boolean {
  const [smallest, ...others] = sets.toSorted((a, b) => (a?.size ?? 0) - (b?.size ?? 0))
  for (const code of smallest ?? []) if (others.every((set) => set?.has(code) === true)) return true
  return false
}

function sampleOf(set: ReadonlySet<number> | undefined): string {
  const printable = [...(set ?? [])].find((code) => code >= 0x30 && code < 0x7f) ?? [...(set ?? [])][0]
  return printable === undefined ? '' : String.fromCodePoint(printable)
}

/** Some word that leads to a state. */
function wayTo({ first, next, sets }: Automaton, goal: number): string {
  const todo = first.map((state) => ({ state, word: sampleOf(sets[state]) }))
  const seen = new Set<number>()
  for (const { state, word } of todo) {
    if (state === goal) return word
    if (seen.has(state)) continue
    seen.add(state)
    for (const target of next[state]?.keys() ?? []) todo.push({ state: target, word: word + sampleOf(sets[target]) })
  }
  return ''
}
