// Makes dist/, which the published package runs: Node doesn't strip types inside node_modules.
import { execFileSync } from 'node:child_process'
import { cpSync, globSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
rmSync('dist', { recursive: true, force: true })
execFileSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })

// The compiler rewrites the suffix of imports, but not of the URLs that name worker threads.
for (const file of globSync('dist/**/*.js')) {
  const text = readFileSync(file, 'utf8')
  const rewritten = text.replaceAll(/(new URL\('\.[^']+)\.ts(', import\.meta\.url\))/g, '$1.js$2')
  if (rewritten !== text) writeFileSync(file, rewritten)
}

// What is read beside the code at run time: styles, word lists, pictures.
cpSync('src', 'dist', { recursive: true, filter: (path) => !/\.ts$|README\.md$/.test(path) })

// The command in few files, since reading some seven hundred was a quarter of a start. Threads are named by where they lie beside
// the code that begins them. Packages stay packages: whoever looks through what is installed finds them.
const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: Record<string, string> }
// But for one, whose messages in fifty languages cost a start 30 ms and 2.5 MB.
const packages = Object.keys(dependencies).filter((name) => name !== 'zod')
const isOutside = (specifier: string): boolean =>
  isBuiltin(specifier) || packages.some((name) => specifier === name || specifier.startsWith(`${name}/`))
const bundle = await rolldown({
  input: {
    main: 'dist/cli/main.js',
    'writer-thread': 'dist/store/sqlite/writer-thread.js',
    'verify-thread': 'dist/store/sqlite/verify-thread.js',
    'password-worker': 'dist/crypto/password-worker.js',
    'password-strength-worker': 'dist/accounts/password-strength-worker.js',
  },
  platform: 'node',
  external: isOutside,
})
const { output } = await bundle.write({
  dir: 'dist/bundled',
  entryFileNames: '[name].js',
  chunkFileNames: '[name]-[hash].js',
  comments: false,
})
await bundle.close()
// A bundler's own support code would be a package that nobody installs.
const written = new Set(output.map(({ fileName }) => fileName))
for (const file of output) {
  if (file.type !== 'chunk') continue
  const lost = [...file.imports, ...file.dynamicImports].find((to) => !written.has(to) && !isOutside(to))
  if (lost !== undefined) throw new Error(`${file.fileName} imports ${lost}, which the package does not bring`)
}
// V8 keeps the text of all that it runs, two bytes a character where one of them is beyond Latin-1: 2 MB with the comments.
for (const file of globSync('dist/bundled/*.js')) {
  const text = readFileSync(file, 'utf8')
  writeFileSync(
    file,
    text.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  )
}
rmSync('dist/cli', { recursive: true })
renameSync('dist/bundled', 'dist/cli')
