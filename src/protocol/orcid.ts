const shape = /^\d{4}-\d{4}-\d{4}-\d{3}[\dX]$/

/** Whether a text is an ORCID iD: sixteen digits in fours, the last a checksum (ISO 7064 MOD 11-2). */
export function isOrcid(text: string): boolean {
  if (!shape.test(text)) return false
  const digits = text.replaceAll('-', '')
  let total = 0
  for (const digit of digits.slice(0, 15)) total = (total + Number(digit)) * 2
  const check = (12 - (total % 11)) % 11
  return digits[15] === (check === 10 ? 'X' : String(check))
}
