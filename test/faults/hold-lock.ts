// node hold-lock.ts PATH write|read: another process that holds the write lock, or an old snapshot, until its standard input ends.
import { DatabaseSync } from 'node:sqlite'

const [path = '', mode] = process.argv.slice(2)
const db = new DatabaseSync(path)
db.exec(mode === 'write' ? 'BEGIN IMMEDIATE' : 'BEGIN')
db.prepare('SELECT count(*) FROM event').get()
process.stdout.write('held\n')
process.stdin.resume()
process.stdin.on('end', () => {
  db.exec('COMMIT')
  db.close()
})
