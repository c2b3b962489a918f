/** One line of the doctor. */
export type Check = { readonly check: string; readonly status: 'ok' | 'warn' | 'fail'; readonly detail: string }

export const ok = (check: string, detail: string): Check => ({ check, status: 'ok', detail })
export const warn = (check: string, detail: string): Check => ({ check, status: 'warn', detail })
export const fail = (check: string, detail: string): Check => ({ check, status: 'fail', detail })
