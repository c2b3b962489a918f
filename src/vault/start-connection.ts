import type { OAuthProvider } from '../config/provider.ts'
import type { ConnectionStart } from '../domain/connect.ts'
import { lifetimes } from '../domain/lifetimes.ts'
import { refuse, type Refusal } from '../protocol/errors.ts'
import type { Seconds } from '../protocol/time.ts'
import { sealConnectTicket } from '../tokens/connect-ticket.ts'
import { makeShortCode } from '../tokens/short-code.ts'
import { printVaultHandle, vaultHandleHash } from '../tokens/vault-handle.ts'
import type { VaultContext } from './context.ts'

export type StartedConnection = {
  readonly connectionId: string
  /** For whoever started, alone: it fetches tokens, and never passes through browser or provider. */
  readonly handle: string
  /** For the person's browser. */
  readonly connectUrl: string
  /** For the person to type there. */
  readonly userCode: string
  readonly expiresIn: Seconds
}

export const connectPath = '/vault/connect'

/** Begin a connection. Nothing is stored: handle and address prove themselves, and what nobody follows leaves nothing behind (L12). */
export function startConnection(
  context: Pick<VaultContext, 'issuer' | 'clock' | 'random' | 'keys'>,
  provider: OAuthProvider,
  asked: Pick<ConnectionStart, 'owner' | 'address' | 'onAccountPage'> & {
    readonly scope: readonly string[] | undefined
    readonly clientId: string | undefined
    readonly returnTo: string | undefined
    readonly renews: string | undefined
    readonly recallsBefore: number
  },
): StartedConnection | Refusal {
  const { issuer, clock, random, keys } = context
  const {
    scope = provider.connectScope,
    clientId,
    returnTo,
    renews,
    owner,
    address,
    recallsBefore,
    onAccountPage,
  } = asked
  const connectionId = random.id(clock.millis())
  const handle = printVaultHandle(keys, random, connectionId)
  const userCode = makeShortCode(random)
  const ticket = sealConnectTicket(
    keys,
    {
      connectionId,
      handleHash: vaultHandleHash(handle),
      provider: provider.name,
      scope,
      owner,
      ...(clientId !== undefined && { clientId }),
      address,
      startedAt: clock.seconds(),
      ...(recallsBefore > 0 && { recallsBefore }),
      ...(returnTo !== undefined && { returnTo }),
      ...(renews !== undefined && { renews }),
      ...(onAccountPage === true && { onAccountPage }),
      userCode,
    },
    random,
  )
  if (ticket === undefined) return refuse('invalid_request', 'parameter_too_long', 'scope and return_to are too long')
  return {
    connectionId,
    handle,
    connectUrl: `${issuer}${connectPath}/${ticket}`,
    userCode,
    expiresIn: lifetimes.interaction,
  }
}
