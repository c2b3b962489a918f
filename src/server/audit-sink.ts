import { setTimeout as pause } from 'node:timers/promises'
import { createFileSink } from '../audit/file-sink.ts'
import { createHttpSink } from '../audit/http-sink.ts'
import { createOutputSink } from '../audit/output-sink.ts'
import type { EventSink } from '../audit/sink.ts'
import type { AuditSettings } from '../config/config.ts'
import { createOutbound } from '../outbound/create-outbound.ts'

const deadlineMillis = 1_500

/** The sink that the configuration names. */
export function sinkOf(settings: AuditSettings): EventSink {
  if (settings.to === 'stdout') return createOutputSink(pause)
  if (settings.to === 'file') return createFileSink(settings.path)
  return createHttpSink(settings, createOutbound({ deadlineMillis }).fetch)
}
