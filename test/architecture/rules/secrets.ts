import { Visitor, type Expression, type PrivateIdentifier } from 'oxc-parser'
import type { Source } from '../source.ts'

/** Who compares what must take the same time wherever two values differ. Everybody else calls one of these. */
export const comparisons = [
  'src/crypto/equal.ts',
  'src/crypto/equal-digests.ts',
  'src/crypto/chain-mac.ts',
  'src/crypto/secretbox.ts',
]

const chain = 'the hashes of the audit chain are no secret: whoever can see one compared can read it'
const twice = 'what one person typed twice, in one request'
const pure = 'a decision: a hash of 256 random bits, of which letters that somebody learns say nothing of what makes it'

/** Who may compare such a name as any other, and why. */
const exceptions: Readonly<Record<string, string>> = {
  'src/audit/seal-findings.ts': chain,
  'src/audit/verify-chain.ts': chain,
  'src/domain/seal.ts': chain,
  'src/domain/connect.ts': pure,
  'src/domain/redeem-flow.ts': pure,
  'src/domain/same-imprint.ts': 'both were proved by a MAC before',
  'src/accounts/file-entries.ts': 'a secret of the configuration file beside what the store holds of it',
  'src/signin/password.ts': 'one stored hash beside another: whether the password was changed meanwhile',
  'src/cli/ask-password.ts': twice,
  'src/endpoints/account/password.ts': twice,
  'src/endpoints/letter.ts': twice,
  'src/endpoints/register.ts': twice,
  'src/vault/without-secrets.ts': 'looks for secrets of ours in what an API sent, to take them out',
  'src/resource/key-set.ts': 'public keys',
}

/** K14: a name that says of its value that it is a secret, or proves one; not of a question whether something is so. */
const secretName =
  /^(?!is[A-Z]|has[A-Z]|seals[A-Z]|etag$).*(?:^mac|Mac|tag|[hH]ash|[dD]igest|[sS]ignature|[sS]ecret|[pP]assword|[nN]once|^hmac)$/

/** Comparisons of secrets that stop at the first difference, as far as names tell. */
export function secrets(sources: Source[], known = exceptions): string[] {
  const found = sources.flatMap((source) =>
    comparisonsIn(source).map((text) => ({ path: source.path, text: text.replaceAll(/\s+/g, ' ') })),
  )
  const faults = found
    .filter(({ path }) => known[path] === undefined && !comparisons.includes(path))
    .map(({ path, text }) => `${path} compares in a time that tells: ${text}`)
  const stale = Object.keys(known).filter((path) => !found.some((one) => one.path === path))
  return [...faults, ...stale.map((path) => `${path} compares no secret any more`)]
}

function comparisonsIn({ program, text }: Source): string[] {
  const found: string[] = []
  const note = ({ start, end }: { readonly start: number; readonly end: number }) => found.push(text.slice(start, end))
  const visitor = new Visitor({
    BinaryExpression(node) {
      const sides = [node.left, node.right]
      if (!/^[!=]==?$/.test(node.operator) || sides.some(isNoValue)) return
      if (sides.some((side) => secretName.test(nameOf(side)))) note(node)
    },
    CallExpression(node) {
      const { callee } = node
      if (callee.type !== 'MemberExpression') return
      const method = nameOf(callee)
      const looksFor = method === 'includes' || method === 'indexOf' || method === 'startsWith'
      const digest = node.arguments.some(
        (one) => one.type !== 'SpreadElement' && /[hH]ash$|[dD]igest$/.test(nameOf(one)),
      )
      if (method === 'equals' || (looksFor && digest)) note(node)
    },
  })
  visitor.visit(program)
  return found
}

/** Beside a literal or `undefined` nothing is compared but whether it is there. */
function isNoValue(node: Expression | PrivateIdentifier): boolean {
  return node.type === 'Literal' || node.type === 'UnaryExpression' || nameOf(node) === 'undefined'
}

function nameOf(node: Expression | PrivateIdentifier): string {
  switch (node.type) {
    case 'Identifier':
      return node.name
    case 'MemberExpression':
      return node.property.type === 'Literal' ? String(node.property.value) : nameOf(node.property)
    case 'CallExpression':
      return nameOf(node.callee)
    case 'ChainExpression':
      return nameOf(node.expression)
    case 'AwaitExpression':
      return nameOf(node.argument)
    default:
      return ''
  }
}
