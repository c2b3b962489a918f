/** Whether what `version()` says is PostgreSQL's, and not of a product that speaks its protocol. */
export function isPostgres(version: unknown): boolean {
  const text = String(version)
  return text.startsWith('PostgreSQL') && !text.includes('-YB-')
}
