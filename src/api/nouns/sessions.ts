import { z } from 'zod'
import { endSession } from '../../accounts/end-session.ts'
import { isSessionAlive, sessionExpiry } from '../../domain/session-state.ts'
import { belongingOperations } from './belonging-operations.ts'
import type { Belonging } from './belongings.ts'
import { instant } from './user-shape.ts'

const session = z
  .strictObject({
    session_id: z.string(),
    device: z.string().meta({ description: 'What the browser says it is.' }),
    auth_time: instant.optional().meta({
      description: 'When the person last proved himself in it. Absent: a provider vouched and does not say when.',
    }),
    acr: z.string(),
    amr: z.array(z.string()),
    remembered: z.boolean().meta({ description: 'It survives the end of the browser.' }),
    created_at: instant,
    last_seen_at: instant,
    expires_at: instant,
  })
  .meta({ id: 'Session', description: 'A browser in which somebody is signed in.' })

export const sessionBelonging: Belonging<'session', typeof session> = {
  kind: 'session',
  noun: 'sessions',
  one: 'Session',
  idName: 'session_id',
  idShape: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  item: session,
  example: {
    session_id: '019b1a2f3c4d0KxGmZ8Tn3YbQw5RsE1uVh',
    device: 'Firefox on Linux',
    auth_time: 1_795_000_000,
    acr: 'pwd',
    amr: ['pwd'],
    remembered: false,
    created_at: 1_795_000_000,
    last_seen_at: 1_795_000_600,
    expires_at: 1_795_007_800,
  },
  ending:
    'The browser is signed out, and every grant ends that was to live no longer than it: all without `offline_access`.',
  recordId: (_user, id) => id,
  async show(context, user, record) {
    const session = record.value
    const instance = await context.directory.instance()
    if (!isSessionAlive({ session, user, instance }, context.clock.seconds())) return undefined
    return {
      session_id: record.id,
      device: session.device,
      ...(session.untold === true ? {} : { auth_time: session.authTime }),
      acr: session.acr,
      amr: [...session.amr],
      remembered: session.persistent,
      created_at: session.createdAt,
      last_seen_at: session.lastSeenAt,
      expires_at: sessionExpiry(session),
    }
  },
  end: endSession,
}

export const sessionOperations = belongingOperations(sessionBelonging)
