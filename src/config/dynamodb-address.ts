/** `dynamodb://<region>/<table>?endpoint=…`. Credentials are never part of it: the AWS SDK finds them where it always does. */
export type DynamodbAddress = { readonly region: string; readonly table: string; readonly endpoint?: string }

const example = 'write dynamodb://REGION/TABLE, for example dynamodb://eu-central-1/gatehouse'

/** Reads what stands after `dynamodb:`. */
export function parseDynamodbAddress(
  rest: string,
): { readonly dynamodb: DynamodbAddress } | { readonly problem: string } {
  const [, region, table, query] = /^\/\/([a-z0-9-]+)\/([A-Za-z0-9_.-]{3,255})(?:\?(.*))?$/.exec(rest) ?? []
  if (region === undefined || table === undefined) return { problem: `names no region and table; ${example}` }
  const parameters = [...new URLSearchParams(query)]
  const [parameter, ...more] = parameters
  if (parameter === undefined) return { dynamodb: { region, table } }
  const [name, endpoint] = parameter
  if (more.length > 0 || name !== 'endpoint') return { problem: `takes no parameter but endpoint, once; ${example}` }
  const url = URL.parse(endpoint)
  const plain = url !== null && url.username === '' && url.password === '' && url.pathname === '/' && url.search === ''
  if (!plain || !['http:', 'https:'].includes(url.protocol)) {
    return { problem: 'has an endpoint that is no http or https origin, for example ?endpoint=http://localhost:8000' }
  }
  return { dynamodb: { region, table, endpoint: url.origin } }
}

/** The address as text again. */
export function printDynamodbAddress({ region, table, endpoint }: DynamodbAddress): string {
  return `dynamodb://${region}/${table}${endpoint === undefined ? '' : `?endpoint=${endpoint}`}`
}
