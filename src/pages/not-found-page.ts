import { errorPage } from './error-page.ts'
import type { Page, Presentation } from './page.ts'

/** 404, the same for what never existed and for what isn't yours to see. */
export function notFoundPage(presentation: Presentation, view: { readonly reference?: string }): Page {
  return errorPage(presentation, { ...view, error: 'not_found', status: 404 })
}
