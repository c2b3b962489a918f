/**
 * Whom an address stands for when attempts are counted: an IPv4 address for itself, an IPv6 address for its /64, since
 * whoever has one address of it has them all. Anything else stands for itself.
 */
export function sourceOf(address: string): string {
  if (!address.includes(':')) return address
  const groups = groupsOf(address)
  return groups === undefined
    ? address
    : `${groups
        .slice(0, 4)
        .map((group) => group.toString(16))
        .join(':')}::/64`
}

/** The eight groups of an IPv6 address without embedded IPv4; a zone (`%eth0`) says nothing about who it is. */
function groupsOf(address: string): readonly number[] | undefined {
  const [head = '', tail, ...more] = (address.split('%', 1)[0] ?? '').split('::')
  if (more.length > 0) return undefined
  const before = parse(head)
  const after = tail === undefined ? [] : parse(tail)
  if (before === undefined || after === undefined) return undefined
  const missing = 8 - before.length - after.length
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined
  return [...before, ...Array.from({ length: missing }, () => 0), ...after]
}

function parse(text: string): readonly number[] | undefined {
  if (text === '') return []
  const groups = text.split(':')
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
    ? groups.map((group) => Number.parseInt(group, 16))
    : undefined
}
