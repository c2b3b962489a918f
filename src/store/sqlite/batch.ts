import { bucketOf } from '../../domain/bucket.ts'
import type { StampedWrite } from '../port.ts'
import { rowSum } from './row-sum.ts'

/**
 * What travels to the writer thread: one flat list of opcodes and their operands for many units, because the cost of
 * copying a message goes by the number of its objects.
 */
export type Batch = readonly BatchValue[]
export type BatchValue = string | number | null

/** Operands, in order: */
export const opcode = {
  /** id, bucket, at, json */
  append: 0,
  /** kind, id, expected version, version, json, expires at, sum, owners as JSON or null to leave them */
  put: 1,
  /** kind, id, expected version */
  delete: 2,
  /** kind, id, expected version */
  check: 3,
  /** kind and id to forget, expires at: a line of the change feed, beside the put of its record */
  forget: 4,
  /** ends a unit */
  end: 5,
} as const

/** Operands of each opcode. */
export const widths: readonly number[] = [4, 8, 3, 3, 3, 0]

export function encodeUnit(writes: readonly StampedWrite[]): BatchValue[] {
  const unit: BatchValue[] = []
  for (const write of writes) {
    switch (write.op) {
      case 'append':
        unit.push(opcode.append, write.id, bucketOf(write.id), write.event.at, JSON.stringify(write.event))
        break
      case 'put': {
        const { kind, id, expect, version, value, expiresAt, owners } = write
        const json = JSON.stringify(value)
        const sum = rowSum(id, expiresAt, json)
        unit.push(
          opcode.put,
          kind,
          id,
          expect,
          version,
          json,
          expiresAt,
          sum,
          owners === undefined ? null : spell(owners),
        )
        if ('forget' in value) unit.push(opcode.forget, value.forget.kind, value.forget.id, expiresAt)
        break
      }
      case 'delete':
        unit.push(opcode.delete, write.kind, write.id, write.expect)
        break
      case 'check':
        unit.push(opcode.check, write.kind, write.id, write.expect)
        break
    }
  }
  unit.push(opcode.end)
  return unit
}

function spell(owners: readonly string[]): string {
  return owners.length === 0 ? '[]' : JSON.stringify([...new Set(owners)])
}
