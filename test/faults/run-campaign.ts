// npm run faults:kill -- [--rounds N] [--seed S] [--chunk N] [--publish]: the same as the test, for as long as one likes. Its siblings
// (campaigns.ts) take the same. With --publish each chunk becomes a row of RESULTS.md, and the same command run again goes on behind the
// last one, until the seed has N rounds.
import { parseArgs } from 'node:util'
import { campaigns } from './campaigns.ts'
import { commitHere, nextRound, publish, published } from './results.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string' },
    chunk: { type: 'string' },
    seed: { type: 'string', default: '1' },
    publish: { type: 'boolean', default: false },
  },
})
const campaign = campaigns[positionals[0] ?? '']
if (campaign === undefined) throw new Error(`name a fault: ${Object.keys(campaigns).join(', ')}`)
const rounds = Number(values.rounds ?? campaign.rounds)
const chunk = Number(values.chunk ?? campaign.chunk)
const seed = Number(values.seed)
if (![rounds, chunk, seed].every((count) => Number.isSafeInteger(count) && count > 0))
  throw new Error('--rounds, --chunk and --seed are whole numbers above 0')

const begun = values.publish ? nextRound(published(), { ...campaign, seed }) : 0
let n = 0
for (let firstRound = begun; firstRound < rounds; firstRound += n) {
  const piece = { rounds: Math.min(chunk, rounds - firstRound), firstRound, seed }
  // Before it: what is run is what stands here now.
  const commit = commitHere()
  const { outcome, said } = await campaign.run(piece)
  n = outcome.n ?? piece.rounds
  if (n === 0) throw new Error(`nothing was struck: ${said}`)
  console.log(`${campaign.fault}, rounds ${firstRound} to ${firstRound + n - 1} of ${rounds}\n${said}`)
  if (outcome.violations.length > 0) process.exitCode = 1
  if (!values.publish) continue
  const sum = (end: string): number =>
    [...outcome.answers].filter(([name]) => name.endsWith(end)).reduce((total, [, times]) => total + times, 0)
  await publish(
    {
      fault: campaign.fault,
      seed,
      from: firstRound,
      n,
      violations: outcome.violations.length,
      acknowledged: sum(' done'),
      unknown: sum(' unknown'),
      readyMillis: Math.round(outcome.readyMillis.at(-1) ?? 0),
    },
    commit,
  )
}
