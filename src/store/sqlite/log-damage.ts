import { closeSync, readSync } from 'node:fs'
import { openLog } from './open-log.ts'

/*
 * SQLite takes a write-ahead log to end at its first frame that isn't whole, in silence: that is how a commit looks that power was
 * lost in. So it would drop what is damaged in the middle and every commit behind it, which were acknowledged, revocations among
 * them. A commit is on the disk before the next one is begun (what a killed process left, before the next start goes on): behind a
 * torn one there is no other, behind a damaged one there may be.
 */

const headerBytes = 32
const frameHeaderBytes = 24
/** The last bit says how the words of checksums are stored. */
const magic = 0x377f0682

const pageSizeAt = 8
const sequenceAt = 12
const saltsAt = 16
const sumsAt = 24
const commitAt = 4
const frameSaltsAt = 8
const frameSumsAt = 16

/** Two words: salts, or the running sums of a log (https://www.sqlite.org/fileformat2.html#checksum_algorithm). */
type Pair = readonly [number, number]

/**
 * Decision 0027: why the log at this path doesn't hold all that was committed to it; undefined if it does as far as it can tell. Damage in the last
 * commit looks like lost power. What somebody who writes meanwhile makes it look like, nobody finds twice.
 */
export function logDamage(path: string): string | undefined {
  const found = damageIn(path)
  return found !== undefined && found === damageIn(path) ? found : undefined
}

function damageIn(path: string): string | undefined {
  const file = openLog(path)
  if (file === undefined) return undefined
  try {
    const header = Buffer.alloc(headerBytes)
    if (readSync(file, header, 0, headerBytes, 0) < headerBytes) return undefined
    const pageSize = header.readUInt32BE(pageSizeAt)
    const isOurs = (header.readUInt32BE(0) & ~1) >>> 0 === magic && pageSize >= 512 && pageSize <= 65_536
    const first = Buffer.alloc(frameHeaderBytes)
    if (readSync(file, first, 0, frameHeaderBytes, headerBytes) < frameHeaderBytes) return undefined
    if (!isOurs || !isWhole(header)) return headerDamage(header, first)
    const damage = frameDamage(file, header, pageSize)
    const after = Buffer.alloc(headerBytes)
    readSync(file, after, 0, headerBytes, 0)
    // Begun anew while it was read: what was compared doesn't belong together.
    return same(pairAt(after, sumsAt), pairAt(header, sumsAt)) ? damage : undefined
  } finally {
    closeSync(file)
  }
}

/** A header is written anew when all behind it is in the database; power that is lost in that leaves the end of the old one. */
function headerDamage(header: Buffer, first: Buffer): string | undefined {
  const before = Buffer.from(header)
  before.writeUInt32BE((header.readUInt32BE(sequenceAt) - 1) >>> 0, sequenceAt)
  if (isWhole(before)) return undefined
  const withSalts = Buffer.from(header)
  first.copy(withSalts, saltsAt, frameSaltsAt, frameSumsAt)
  const isOfFrames = same(pairAt(first, frameSaltsAt), pairAt(header, saltsAt)) || isWhole(withSalts)
  return isOfFrames ? 'the header of its write-ahead log' : undefined
}

function isWhole(header: Buffer): boolean {
  return same(sumsOver(header.subarray(0, sumsAt), [0, 0], isBigEndian(header)), pairAt(header, sumsAt))
}

/** More than one commit behind the first frame that isn't whole, each frame of them following the one before. */
function frameDamage(file: number, header: Buffer, pageSize: number): string | undefined {
  const bigEndian = isBigEndian(header)
  const salts = pairAt(header, saltsAt)
  const frame = Buffer.alloc(frameHeaderBytes + pageSize)
  let before = pairAt(header, sumsAt)
  let firstBad: number | undefined
  let commits = 0
  for (let number = 0; ; number += 1) {
    const at = headerBytes + number * frame.length
    if (readSync(file, frame, 0, frame.length, at) < frame.length) return undefined
    const stored = pairAt(frame, frameSumsAt)
    const isNext =
      same(pairAt(frame, frameSaltsAt), salts) &&
      same(
        stored,
        sumsOver(frame.subarray(frameHeaderBytes), sumsOver(frame.subarray(0, 8), before, bigEndian), bigEndian),
      )
    before = stored
    if (!isNext) {
      firstBad ??= number
      commits = 0
    } else if (firstBad !== undefined && frame.readUInt32BE(commitAt) > 0) {
      commits += 1
      if (commits > 1) return `frame ${firstBad + 1} of its write-ahead log`
    }
  }
}

const isBigEndian = (header: Buffer): boolean => (header.readUInt32BE(0) & 1) === 1

function sumsOver(bytes: Buffer, [first, second]: Pair, bigEndian: boolean): Pair {
  let [one, two] = [first, second]
  for (let at = 0; at < bytes.length; at += 8) {
    one = (one + (bigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at)) + two) >>> 0
    two = (two + (bigEndian ? bytes.readUInt32BE(at + 4) : bytes.readUInt32LE(at + 4)) + one) >>> 0
  }
  return [one, two]
}

const pairAt = (bytes: Buffer, at: number): Pair => [bytes.readUInt32BE(at), bytes.readUInt32BE(at + 4)]

const same = ([one, two]: Pair, [other, another]: Pair): boolean => one === other && two === another
