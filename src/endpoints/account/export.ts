import { exportOf } from '../../api/nouns/own-export.ts'
import { exportForm } from '../../pages/account/export-form.ts'
import type { Section } from './section.ts'

/** Everything about oneself, as a file (GDPR Art. 15, 20). By POST: a link elsewhere must not start it. */
export const exportSection: Section = {
  id: 'export',
  title: 'export.title',
  summary: 'export.summary',
  done: 'account.saved',
  recent: () => true,
  body: ({ form }) => exportForm(form),
  async act({ core, signedIn: { user } }) {
    return {
      status: 200,
      headers: [
        ['content-type', 'application/json'],
        ['content-disposition', 'attachment; filename="account.json"'],
        ['cache-control', 'no-store'],
        ['x-content-type-options', 'nosniff'],
      ],
      body: `${JSON.stringify(await exportOf(core, user), null, 2)}\n`,
    }
  },
}
