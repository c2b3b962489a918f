import { SMTPServer } from 'smtp-server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSmtp } from '../../src/mail/smtp.ts'
import { freePort } from '../kit/free-port.ts'

const received: { readonly to: readonly string[]; readonly from: string; readonly data: string }[] = []
let mailServer: SMTPServer
let port: number

beforeAll(async () => {
  port = await freePort()
  mailServer = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData: (stream, session, done) => {
      let data = ''
      stream.setEncoding('utf8')
      stream.on('data', (chunk: string) => {
        data += chunk
      })
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        received.push({ to: rcptTo.map(({ address }) => address), from: mailFrom ? mailFrom.address : '', data })
        done()
      })
    },
  })
  await new Promise<void>((resolve) => {
    mailServer.listen(port, '127.0.0.1', resolve)
  })
})
afterAll(
  () =>
    new Promise<void>((resolve) => {
      mailServer.close(resolve)
    }),
)

const letter = { to: 'ada@mail.example', subject: 'Grüße', text: 'plain\n', html: '<p>rich</p>' }
const smtp = (loopback: boolean) =>
  createSmtp({ url: `smtp://127.0.0.1:${port}`, from: 'login@here.example', loopback })

test('a letter goes out in both forms, marked as written by a program (RFC 3834 §5)', async () => {
  await smtp(true)(letter)
  expect(received).toHaveLength(1)
  expect(received[0]).toMatchObject({ to: ['ada@mail.example'], from: 'login@here.example' })
  expect(received[0]?.data).toMatch(/^Auto-Submitted: auto-generated\r?$/m)
  expect(received[0]?.data).toMatch(/^Subject: =\?UTF-8\?/m)
  expect(received[0]?.data).toMatch(/text\/plain[\s\S]*plain[\s\S]*text\/html[\s\S]*<p>rich<\/p>/)
})

test('an address is one address, whatever is in it', async () => {
  received.length = 0
  await smtp(true)({ ...letter, to: 'a@mail.example, eve@evil.example' }).catch(() => undefined)
  await smtp(true)({ ...letter, subject: 'x\r\nBcc: eve@evil.example' })
  expect(received.flatMap(({ to }) => to)).not.toContain('eve@evil.example')
})

test('to another machine nothing is said in clear: without STARTTLS the letter stays', async () => {
  received.length = 0
  await expect(smtp(false)(letter)).rejects.toThrow()
  expect(received).toEqual([])
})
