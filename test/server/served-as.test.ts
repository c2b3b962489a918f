import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { ref } from '../../src/domain/record.ts'
import { openGatehouse, type GatehouseOptions } from '../../src/server/gatehouse.ts'
import { plainPasswords } from '../kit/plain-passwords.ts'
import { startGatehouse } from '../kit/gatehouse.ts'

test('the store knows the issuer of whoever serves it, and of nobody else who opens it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-served-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const store = { adapter: 'sqlite', path: join(folder, 'gatehouse.db') } as const
  const { config, core, close } = await startGatehouse({ store, passwords: plainPasswords })
  const servedAs = async () => (await core.transition.store.read([ref('instance', 'self')]))[0]?.value
  const open = async (issuer: string, part: Pick<GatehouseOptions, 'serves'>) => {
    const opened = await openGatehouse({ ...config, issuer } satisfies Config, core, {
      observer: core.observer,
      passwords: plainPasswords,
      onKeyEvent: () => undefined,
      onFatal: (reason) => {
        throw reason
      },
      ...part,
    })
    await opened.close()
  }
  // A worker process, or a bench, serves nothing by itself.
  expect(await servedAs()).not.toHaveProperty('servedAs')
  await open('https://one.example', { serves: true })
  expect(await servedAs()).toMatchObject({ servedAs: 'https://one.example' })
  await open('https://two.example', {})
  expect(await servedAs()).toMatchObject({ servedAs: 'https://one.example' })
  await open('https://three.example', { serves: true })
  expect(await servedAs()).toMatchObject({ servedAs: 'https://three.example' })
  await close()
})
