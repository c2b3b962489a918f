import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteTableCommand,
  DynamoDBClient,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freePort } from '../kit/free-port.ts'

/** Amazon's own DynamoDB Local, as the npm registry has it inside another package. */
const packed = 'amplify-dynamodb-simulator@2.9.30'
const integrity = 'xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ=='
const cache = fileURLToPath(new URL('../../node_modules/.cache/dynamodb-local', import.meta.url))
const startMillis = 45_000
/** As long as one request of each kind may take together, where a store waits two seconds for one. */
const warmMillis = 100

export type DynamodbLocal = { readonly endpoint: string; readonly stop: () => Promise<void> }

/** Why it can't run here, if it can't. */
export function whyNoDynamodb(): string | undefined {
  const java = spawnSync('java', ['-version'], { stdio: 'ignore' })
  return java.status === 0
    ? undefined
    : 'DynamoDB Local needs Java, and there is none: apt-get install default-jre-headless'
}

/** A server of its own, in memory, on a free port. */
export async function startDynamodbLocal(): Promise<DynamodbLocal> {
  const emulator = await emulatorFolder()
  const port = await freePort()
  const args = ['-Djava.library.path=./DynamoDBLocal_lib', '-Xmx512m', '-jar', 'DynamoDBLocal.jar']
  const child = spawn('java', [...args, '-inMemory', '-port', String(port)], { cwd: emulator, stdio: 'ignore' })
  const stop = () => ended(child)
  try {
    await listening(child, port)
    await warmUp(`http://127.0.0.1:${port}`)
  } catch (error) {
    await stop()
    throw error
  }
  return { endpoint: `http://127.0.0.1:${port}`, stop }
}

async function emulatorFolder(): Promise<string> {
  const folder = join(cache, packed)
  const emulator = join(folder, 'package/emulator')
  if (existsSync(emulator)) return emulator
  mkdirSync(cache, { recursive: true })
  const fresh = mkdtempSync(join(cache, 'fetch-'))
  try {
    const run = promisify(execFile)
    await run('npm', ['pack', packed, '--silent', '--pack-destination', fresh], { cwd: fresh })
    const tarball = join(fresh, `${packed.replace('@', '-')}.tgz`)
    const found = createHash('sha512').update(readFileSync(tarball)).digest('base64')
    if (found !== integrity) throw new Error(`${packed} isn't what was reviewed: its sha512 is ${found}`)
    await run('tar', ['-xzf', tarball, '-C', fresh])
    rmSync(tarball)
    renameSync(fresh, folder)
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true })
    // Another process may have brought it meanwhile.
    if (!existsSync(emulator)) throw error
  }
  return emulator
}

async function listening(child: ChildProcess, port: number): Promise<void> {
  const until = performance.now() + startMillis
  while (!(await connects(port))) {
    if (child.exitCode !== null) throw new Error(`DynamoDB Local ended with ${child.exitCode}`)
    if (performance.now() > until) throw new Error('DynamoDB Local does not answer')
    await pause(50)
  }
}

/** Java loads and compiles what answers a request with the first of its kind, which takes longer than a store may wait. */
async function warmUp(endpoint: string): Promise<void> {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  const client = new DynamoDBClient({ region: 'local', endpoint, credentials })
  const TableName = 'warm-up'
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['pk', 'sk'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  )
  const key = (sk: number) => ({ pk: { S: 'p' }, sk: { S: String(sk) } })
  const items = [1, 2, 3, 4].map(key)
  const until = performance.now() + startMillis
  for (let took = Infinity; took > warmMillis && performance.now() < until;) {
    const since = performance.now()
    await client.send(
      new TransactWriteItemsCommand({ TransactItems: items.map((Item) => ({ Put: { TableName, Item } })) }),
    )
    await client.send(
      new UpdateItemCommand({
        TableName,
        Key: key(1),
        UpdateExpression: 'SET v = :v',
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeValues: { ':v': { S: 'v' } },
        ReturnValues: 'ALL_NEW',
      }),
    )
    await client.send(
      new BatchWriteItemCommand({ RequestItems: { [TableName]: items.map((Item) => ({ PutRequest: { Item } })) } }),
    )
    await client.send(new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys: items, ConsistentRead: true } } }))
    await client.send(
      new QueryCommand({
        TableName,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: 'p' } },
        ConsistentRead: true,
      }),
    )
    took = performance.now() - since
  }
  await client.send(new DeleteTableCommand({ TableName }))
  client.destroy()
}

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' })
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) return resolve()
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })
}
