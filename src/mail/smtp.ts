import type { Send } from './letter.ts'

export type SmtpSettings = {
  /** `smtp://` or `smtps://`, with user and password where they are needed. */
  readonly url: string
  readonly from: string
  /** Whether the mail server is on this machine: everywhere else nothing is said in clear. */
  readonly loopback: boolean
}

/** A mail server that doesn't answer holds up the outbox, not requests; yet other letters wait. */
const patienceMillis = 10_000

/** Sends over SMTP: TLS from the first byte (`smtps`) or by STARTTLS, which isn't optional. */
export function createSmtp({ url, from, loopback }: SmtpSettings): Send {
  let transport: Promise<{ readonly sendMail: (mail: object) => Promise<unknown> }> | undefined

  async function open() {
    const { createTransport } = await import('nodemailer')
    return createTransport({
      url,
      requireTLS: !loopback,
      connectionTimeout: patienceMillis,
      greetingTimeout: patienceMillis,
      socketTimeout: patienceMillis,
      // A letter is text of ours: nothing in it names a file or an address to be read.
      disableFileAccess: true,
      disableUrlAccess: true,
    })
  }

  return async ({ to, subject, text, html }) => {
    transport ??= open()
    const headers = { 'auto-submitted': 'auto-generated', 'x-auto-response-suppress': 'All' }
    // As objects: an address as text could hold a second one.
    await (await transport).sendMail({ from, to: { name: '', address: to }, subject, text, html, headers })
  }
}
