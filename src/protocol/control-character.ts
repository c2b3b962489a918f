/** C0, DEL, C1 and the two line separators of Unicode: what can split a header, a log line or a page. */
const control = /[\0-\x1f\x7f-\x9f\u2028\u2029]/

export function hasControlCharacter(text: string): boolean {
  return control.test(text)
}
