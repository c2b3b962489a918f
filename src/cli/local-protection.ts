import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { openProtection, type Protection } from '../keys/protection.ts'
import { ensureInstance } from '../store/ensure-instance.ts'
import type { Local } from './local.ts'

/** Opened at its first use: most commands need nothing sealed, and may run where the key file is out of reach. */
export function localProtection(
  local: Pick<Local, 'config' | 'clock' | 'random' | 'transition' | 'store'>,
): () => Promise<Protection> {
  let opened: Promise<Protection> | undefined
  return () => (opened ??= open(local))
}

async function open({
  config,
  clock,
  random,
  transition,
  store,
}: Pick<Local, 'config' | 'clock' | 'random' | 'transition' | 'store'>): Promise<Protection> {
  const { instanceId } = await ensureInstance(transition, { clock, random })
  const source =
    config.keySecret === undefined ? { keyFile: keyFileOf({ config }) } : { secret: config.keySecret.reveal() }
  return openProtection(source, { store, instanceId, random })
}

/** Where the key file lies. */
export const keyFileOf = ({ config }: { readonly config: Config }): string =>
  join(config.dataDirectory, 'gatehouse.key')
