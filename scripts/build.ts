// Makes dist/, which the published package runs: Node doesn't strip types inside node_modules.
import { execFileSync } from 'node:child_process'
import { cpSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

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
