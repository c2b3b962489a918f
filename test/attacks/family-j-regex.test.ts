import { Visitor } from 'oxc-parser'
import { describe, expect, test } from 'vitest'
import { readSources } from '../architecture/source.ts'
import { findingsOf, pumpsOf } from './super-linear.ts'

type Literal = { readonly path: string; readonly source: string; readonly flags: string }

const literals: Literal[] = []
const made: string[] = []
for (const { path, program } of readSources()) {
  const name = (callee: { readonly type: string }) => ('name' in callee ? callee.name : undefined)
  new Visitor({
    Literal(node) {
      if ('regex' in node) literals.push({ path, source: node.regex.pattern, flags: node.regex.flags })
    },
    NewExpression(node) {
      if (name(node.callee) === 'RegExp') made.push(path)
    },
    CallExpression(node) {
      if (name(node.callee) === 'RegExp') made.push(path)
    },
  }).visit(program)
}

/** Super-linear, and why nobody can make them work: what they read is the operator's own, or short. */
const allowed: Readonly<Record<string, string>> = {
  'src/protocol/username.ts /^ +| +$/g': 'a text of more than 64 characters is refused in the line above',
}

describe('J17 redos-static', () => {
  test('no regular expression in the source is super-linear, but those that say why they may be', () => {
    const found = literals.flatMap(({ path, source, flags }) =>
      findingsOf(source, flags).map(
        ({ kind, pump }) => `${path} /${source}/${flags}: ${kind} by ${JSON.stringify(pump)}`,
      ),
    )
    const excused = (line: string) => Object.keys(allowed).some((start) => line.startsWith(start))
    expect(found.filter((line) => !excused(line))).toEqual([])
    // An excuse that excuses nothing goes.
    expect(Object.keys(allowed).filter((start) => !found.some((line) => line.startsWith(start)))).toEqual([])
    expect(literals.length).toBeGreaterThan(100)
  })

  test("none is made of a text at run time, so none is ever an outsider's (A12)", () => {
    expect(made).toEqual([])
  })

  test('none needs more than its share of time for 50 KB that fit nearly', () => {
    const size = 50_000
    const slow: string[] = []
    for (const { path, source, flags } of literals) {
      // Excused, or found above: an exponential one would never come back.
      if (findingsOf(source, flags).length > 0) continue
      const regex = new RegExp(source, flags.replaceAll(/[gy]/g, ''))
      const plain = ['a', ' ', '/', '.', '0', '-', '%41', ':', '=', '\n', '(', '"', '\\'].map((loop) => ({
        prefix: '',
        loop,
      }))
      for (const { prefix, loop } of [...plain, ...pumpsOf(source, flags)]) {
        if (loop === '') continue
        for (const end of ['\0', '!', '#', 'b', '']) {
          const text = prefix + loop.repeat(Math.ceil(size / loop.length)) + end
          let best = Number.POSITIVE_INFINITY
          for (let round = 0; round < 3 && best > 5; round += 1) {
            // What it costs, not how long it takes: beside other work that may be anything.
            const start = process.threadCpuUsage()
            regex.test(text)
            const { user, system } = process.threadCpuUsage(start)
            best = Math.min(best, (user + system) / 1000)
          }
          // Square would be seconds.
          if (best > 60)
            slow.push(
              `${path} /${source}/${flags}: ${Math.round(best)} ms for ${JSON.stringify(prefix)} + ${JSON.stringify(loop)} times ${size}`,
            )
        }
      }
    }
    expect(slow).toEqual([])
  }, 60_000)

  test.each([
    ['(a+)+$', 'exponential'],
    ['^(a*)*b', 'exponential'],
    ['^(a|a)*b', 'exponential'],
    ['^(?:a|aa)+$', 'exponential'],
    ['^(\\w+\\s?)*$', 'exponential'],
    ['^(?:[a-z]+|[0-9a-f]+)*!', 'exponential'],
    ['^([a-z0-9]+)*$', 'exponential'],
    ['^(?:.*,)+x', 'exponential'],
    ['^(a{1,64})*$', 'exponential'],
    ['x(?=(?:b+)+c)', 'exponential'],
    ['^a*a*$', 'polynomial'],
    ['^\\s*(?:x)?\\s*y', 'polynomial'],
    [' +$', 'polynomial'],
    ['[\\r\\n]+$', 'polynomial'],
    ['a+b', 'polynomial'],
    ['^.*foo.*bar', 'polynomial'],
    ['^[^@]+[a-z]+@', 'polynomial'],
    ['^(a)\\1*$', 'unsupported'],
  ])('catches /%s/', (source, kind) => {
    expect(findingsOf(source, '').map((finding) => finding.kind)).toContain(kind)
  })

  test.each([
    ['^a*$', ''],
    ['^(?:a|b)*$', ''],
    ['^(?:[a-z]|%[0-9a-f]{2})*$', 'i'],
    ['^[a-z]+(?:\\.[a-z]+)*$', ''],
    ['[%+]', ''],
    ['\\d+', 'g'],
    ['a*', ''],
    ['^(\\d{1,5})\\.(\\d{1,5})$', ''],
    ['^\\p{L}+$', 'u'],
    ['^(?:\\/(?!\\.\\.)[^/;]+)+$', ''],
    ['[^\\x20-\\x7e]', ''],
  ])('lets /%s/ pass', (source, flags) => {
    expect(findingsOf(source, flags)).toEqual([])
  })
})
