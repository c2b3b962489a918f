// Runs before `npm start`, `npm test` and `npm run bench`: makes node_modules what package-lock.json says, and the list of languages
// what lies in their folder.
// Plain JavaScript that Node 20 can run, because Node 24 is one of the things it installs.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { collectLanguages } from './collect-languages.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const lowestNode = 24

const reason = whyInstall()
if (reason) {
  console.log(`gatehouse: ${reason}: running npm ci (once, until package-lock.json changes)`)
  install()
}
requireNode()
collectLanguages()

/** What differs between the lockfile and npm's own record of what it installed; undefined when nothing does. */
function whyInstall() {
  const locked = readJson('package-lock.json')
  if (!locked) fail('package-lock.json is missing: restore it from git')
  const installed = readJson('node_modules/.package-lock.json')
  if (!installed) return 'node_modules is missing or unfinished'
  for (const [path, wanted] of Object.entries(locked.packages)) {
    if (path === '') continue
    const found = installed.packages[path]
    if (!found && (wanted.optional || wanted.devOptional)) continue // made for another platform
    if (!found) return `${path} isn't installed`
    if (found.version !== wanted.version || found.integrity !== wanted.integrity) {
      return `${path} isn't the version that package-lock.json names`
    }
  }
  for (const [path, found] of Object.entries(installed.packages)) {
    if (!locked.packages[path]) return `${path} isn't in package-lock.json`
    if (found.cpu && !found.cpu.includes(process.arch)) {
      return `${path} was installed on another kind of machine`
    }
  }
  return undefined
}

function install() {
  // The defaults of somebody's npm configuration (omit=dev, NODE_ENV=production) mustn't leave the tools out.
  const flags = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error']
  const npm = process.env.npm_execpath
  const result = npm
    ? spawnSync(process.execPath, [npm, ...flags], { cwd: root, stdio: 'inherit' })
    : spawnSync('npm', flags, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' })
  if (result.error) fail(`npm couldn't be started (${result.error.message}): install npm`)
  if (result.status !== 0) fail('npm ci failed: its message is above')
}

/** npm puts node_modules/.bin first on PATH, so what stands there is what the script after this one runs on. */
function requireNode() {
  if (existsSync(join(root, 'node_modules/.bin/node'))) return
  if (Number(process.versions.node.split('.')[0]) >= lowestNode) return
  fail(
    `this is Node ${process.versions.node} on ${process.platform}-${process.arch}, for which the registry has no Node ` +
      `${lowestNode} to bring along: install Node ${lowestNode} or newer`,
  )
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8'))
  } catch {
    return undefined
  }
}

function fail(message) {
  console.error(`gatehouse: ${message}`)
  process.exit(1)
}
