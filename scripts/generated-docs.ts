import { format, resolveConfig } from 'prettier'
import { cliPage } from '../src/cli/cli-page.ts'
import { configurationPage } from '../src/config/configuration-page.ts'
import { publishedSchema } from '../src/config/published-schema.ts'
import { createSystem } from '../src/server/system.ts'
import { restPage } from './rest-page.ts'

/** The pages that are made from the code, as they must stand in `docs/`: path and text. */
export async function generatedDocs(): Promise<ReadonlyMap<string, string>> {
  const nothing = (): void => {}
  const io = {
    out: nothing,
    err: nothing,
    stdin: process.stdin,
    environment: {},
    workingDirectory: '/',
    system: createSystem(),
  }
  const pages: readonly (readonly [path: string, text: string])[] = [
    ['docs/configuration.md', configurationPage()],
    ['docs/cli.md', await cliPage(io)],
    ['docs/rest.md', restPage()],
    ['docs/gatehouse.schema.json', JSON.stringify(publishedSchema())],
  ]
  const style = await resolveConfig(new URL('../package.json', import.meta.url))
  return new Map(
    await Promise.all(
      pages.map(async ([path, text]) => [path, await format(text, { ...style, filepath: path })] as const),
    ),
  )
}
