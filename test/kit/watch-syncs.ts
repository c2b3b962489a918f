import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

/** Which paths are synced by our own synchronous calls from now on; neither SQLite's nor those of `fs/promises` come by here. */
export function watchSyncs(): { readonly synced: () => readonly string[]; readonly unwatch: () => void } {
  const { openSync: open, fsyncSync: sync } = fs
  const opened = new Map<number, string>()
  const synced: string[] = []
  fs.openSync = (...args) => {
    const file = open(...args)
    opened.set(file, String(args[0]))
    return file
  }
  fs.fsyncSync = (file) => {
    synced.push(opened.get(file) ?? 'a file of before')
    sync(file)
  }
  syncBuiltinESMExports()
  const unwatch = () => {
    Object.assign(fs, { openSync: open, fsyncSync: sync })
    syncBuiltinESMExports()
  }
  return { synced: () => [...synced], unwatch }
}
