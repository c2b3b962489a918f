import { checkClient } from './check-client.ts'
import { checkProvider } from './check-provider.ts'
import { asConfiguredResource, checkResource } from './check-resource.ts'
import type { ConfiguredClient, ConfiguredResource } from './config.ts'
import { keyName } from './explain.ts'
import type { Explained } from './explain.ts'
import type { Provider } from './provider.ts'
import { presets } from './presets/presets.ts'
import { leftOut, readSecret } from './read-secret.ts'
import type { SecretPlaces } from './read-secret.ts'
import type { FileShape } from './schema.ts'
import type { Path } from './yaml-document.ts'

export type CheckedEntries = {
  readonly clients: readonly ConfiguredClient[]
  readonly resources: readonly ConfiguredResource[]
  readonly providers: readonly Provider[]
  /** Paths from the root of the file; each sentence begins with its key. */
  readonly problems: readonly Explained[]
}

/** Clients, APIs and providers of the file: what each must be by itself, and that no two are the same. */
export function checkEntries(
  shape: FileShape,
  issuer: string | undefined,
  places: SecretPlaces | typeof leftOut,
): CheckedEntries {
  const problems: Explained[] = []
  const complain = (path: Path, problem: string): void =>
    void problems.push({ path, problem: `${keyName(path)} ${problem}` })

  const secrets = shape.clients.map(({ client_secret: reference }) => reference && readSecret(reference, places))
  const clients = shape.clients.flatMap((entry, index) => {
    const secret = secrets[index]
    if (secret !== undefined && 'problem' in secret) {
      complain(['clients', index, 'client_secret'], secret.problem)
      return []
    }
    const checked = checkClient(entry, secret?.secret)
    if ('client' in checked) return [checked.client]
    for (const { path, problem } of checked.problems) complain(['clients', index, ...path], problem)
    return []
  })
  complainOfTwins(
    shape.clients.map((entry) => entry.client_id),
    (index) => ['clients', index, 'client_id'],
    complain,
  )
  complainOfTwins(
    places === leftOut
      ? []
      : secrets.map((secret) => (secret !== undefined && 'secret' in secret ? secret.secret.reveal() : undefined)),
    (index) => ['clients', index, 'client_secret'],
    complain,
  )

  for (const [index, entry] of shape.resources.entries()) {
    for (const { path, problem } of checkResource(entry, issuer)) complain(['resources', index, ...path], problem)
  }
  complainOfTwins(
    shape.resources.map((entry) => entry.resource),
    (index) => ['resources', index, 'resource'],
    complain,
  )

  const providers = shape.providers.flatMap((entry, index) => {
    const checked = checkProvider(entry, { places })
    if ('provider' in checked) return [checked.provider]
    for (const { path, problem } of checked.problems) complain(['providers', index, ...path], problem)
    return []
  })
  complainOfTwins(
    shape.providers.map((entry) => entry.name),
    (index) => ['providers', index, 'name'],
    complain,
  )
  // Identities are kept by issuer: under two names one identity would look like two ways in, and go with the first that is unlinked.
  complainOfTwins(
    shape.providers.map((entry) => entry.issuer ?? presets[entry.preset].issuer),
    (index) => ['providers', index, 'issuer'],
    complain,
  )
  complainOfTwins(
    shape.providers.map((entry) => entry.callback_path),
    (index) => ['providers', index, 'callback_path'],
    complain,
  )
  return { clients, resources: shape.resources.map(asConfiguredResource), providers, problems }
}

type Complain = (path: Path, problem: string) => void

function complainOfTwins(
  values: readonly (string | undefined)[],
  pathOf: (index: number) => Path,
  complain: Complain,
): void {
  for (const [index, value] of values.entries()) {
    const first = value === undefined ? index : values.indexOf(value)
    if (first < index) complain(pathOf(index), `stands at ${keyName(pathOf(first))} already; each needs its own`)
  }
}
