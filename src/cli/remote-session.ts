import { createCaller } from './call-api.ts'
import { card, type Answer } from './print.ts'

/** Whether a server takes an access token, and whom it takes it for: the token asks about itself. */
export async function remoteSession(server: string, token: string): Promise<Answer> {
  const seen = await createCaller(server, token)('GET', '/me/session')
  return { json: { active: true, ...seen }, text: card({ active: true, ...seen }) }
}
