import { verifyContentDigest } from '../crypto/content-digest.ts'
import { verifyMessageSignature, type MessageVerificationKey } from '../crypto/message-signature.ts'
import { verifyTotp } from '../crypto/one-time-code.ts'
import type { Client } from '../domain/client.ts'
import { openOneTimeCodeSecret } from '../keys/client-secrets.ts'
import { isRefusal, refuse, throttled, type Refusal } from '../protocol/errors.ts'
import type { Peer } from '../protocol/http.ts'
import {
  oneTimeCodeHeader,
  parseMessageSignature,
  requestComponent,
  signatureBase,
  type MessageSignature,
  type SignableRequest,
} from '../protocol/message-signature.ts'
import { oneTimeCodeStepSeconds } from '../protocol/one-time-code.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import type { ClientAuthContext } from './context.ts'
import { liveSecrets } from './live-secrets.ts'
import { useOnce, wasUsed, type Once } from './use-once.ts'

/** How far `created` may lie from our clock, either way. */
export const signatureWindowSeconds = 60

type SigningClient = Extract<Client['authentication'], { readonly method: 'http_message_signature' }>

export type SignedRequest = SignableRequest & {
  /** Absent: whoever has the body has checked its digest. */
  readonly body?: string
}

export type SignedBy = { readonly client: Client; readonly signature: MessageSignature }

/**
 * The client that signed a request (RFC 9421 §3.2): a signature of its registered key over what the request does, made within a
 * minute of now, with a nonce that never came before (nor, where it must send one, the one-time code).
 */
export async function verifySignedRequest(
  context: ClientAuthContext,
  request: SignedRequest,
  { peer, named }: { readonly peer?: Peer; readonly named?: string | undefined },
): Promise<SignedBy | Refusal> {
  const { limits, directory, clock } = context
  const signature = readSignature(request)
  if (isRefusal(signature)) return signature
  if (named !== undefined && named !== signature.keyId) return refuse('invalid_client', 'client_mismatch')
  // Without a peer the caller counts: what strangers send an API must not shut its clients out.
  const key = peer === undefined ? undefined : ([signature.keyId, peer.address] as const)
  const blocked = key === undefined ? undefined : limits.blocked('client-secret', key)
  if (blocked !== undefined) return throttled(blocked.retryAfterSeconds)

  const client = await directory.client(signature.keyId)
  const proof = client?.authentication
  const wrong =
    client === undefined
      ? 'client_unknown'
      : proof?.method !== 'http_message_signature'
        ? 'authentication_method'
        : await wrongSignature(context, { client, proof, request, signature })
  if (client === undefined || proof?.method !== 'http_message_signature' || wrong !== undefined) {
    if (key !== undefined) limits.count('client-secret', key)
    return refuse('invalid_client', wrong ?? 'client_unknown')
  }
  const uncovered = uncoveredComponent(request, signature, proof)
  if (uncovered !== undefined)
    return refuse('invalid_client', 'signature_uncovered', `the signature must cover ${uncovered}`)
  const now = clock.seconds()
  if (!isTimely(signature, now)) return refuse('invalid_client', 'signature_times')
  if (request.body !== undefined && !isWhole(request, request.body)) return refuse('invalid_client', 'content_digest')
  const nonce: Once = {
    what: ['message-signature', client.clientId, signature.nonce],
    until: signature.created + 2 * signatureWindowSeconds,
  }
  const code = await oneTimeCode(context, client, { request, now })
  if (code === 'wrong') {
    // Who sends a request again that he saw knows no key, and uses up no guess of whoever does.
    if (await wasUsed(context, nonce)) limits.forgive('one-time-code', [client.clientId])
    return refuse('invalid_client', 'one_time_code')
  }
  if (isRefusal(code)) return code
  const used = await useOnce(context, client.clientId, code === undefined ? [nonce] : [nonce, code])
  if (isRefusal(used)) return used
  if (used !== undefined)
    return refuse('invalid_client', used === 'one-time-code' ? 'one_time_code' : 'signature_replayed')
  return { client, signature }
}

function readSignature({ headers }: SignableRequest): MessageSignature | Refusal {
  const { 'signature-input': input, signature } = headers
  if (input === undefined || signature === undefined)
    return refuse('invalid_client', 'signature_malformed', 'Signature and Signature-Input come together')
  return parseMessageSignature(input, signature)
}

async function wrongSignature(
  context: ClientAuthContext,
  about: {
    readonly client: Client
    readonly proof: SigningClient
    readonly request: SignableRequest
    readonly signature: MessageSignature
  },
): Promise<'signature_component' | 'signature_wrong' | undefined> {
  const { client, proof, request, signature } = about
  const base = signatureBase(signature, (name) => requestComponent(request, name))
  if (base === undefined) return 'signature_component'
  const keys: readonly MessageVerificationKey[] =
    'keys' in proof
      ? proof.keys.map((jwk) => ({ jwk }))
      : (await liveSecrets(context, client.clientId, proof.secrets)).map((secret) => ({ secret }))
  const { signature: bytes, algorithm } = signature
  return verifyMessageSignature(keys, { base, signature: bytes, algorithm }) ? undefined : 'signature_wrong'
}

/** What the request does must all be signed: a component left out is a component that anybody may change. */
function uncoveredComponent(
  { body, headers }: SignedRequest,
  { components }: MessageSignature,
  proof: SigningClient,
): string | undefined {
  const needed = [
    '@method',
    '@target-uri',
    ...((body !== undefined && body !== '') || headers['content-digest'] !== undefined ? ['content-digest'] : []),
    ...(headers['authorization'] === undefined ? [] : ['authorization']),
    ...(proof.requireOneTimeCode ? [oneTimeCodeHeader] : []),
  ]
  return needed.find((name) => !components.includes(name))
}

function isTimely({ created, expires }: MessageSignature, now: EpochSeconds): boolean {
  return Math.abs(now - created) <= signatureWindowSeconds && (expires === undefined || expires > now)
}

/** RFC 9530 §2: the digest is signed, so the body is signed if it fits the digest. */
function isWhole({ headers }: SignableRequest, body: string): boolean {
  const digest = headers['content-digest']
  return digest === undefined ? body === '' : verifyContentDigest(digest, body)
}

/** RFC 6238 §5.2: the step that the code belongs to, each once; undefined where none is asked for. */
async function oneTimeCode(
  { protection, limits }: Pick<ClientAuthContext, 'protection' | 'limits'>,
  { clientId, authentication }: Client,
  { request, now }: { readonly request: SignableRequest; readonly now: EpochSeconds },
): Promise<Once | 'wrong' | Refusal | undefined> {
  if (authentication.method !== 'http_message_signature' || !authentication.requireOneTimeCode) return undefined
  const { oneTimeCode: sealed } = authentication
  if (sealed === undefined) return 'wrong'
  const secret = openOneTimeCodeSecret(await protection(), clientId, sealed)
  // H04: nothing awaits between question and count.
  const blocked = limits.blocked('one-time-code', [clientId])
  if (blocked !== undefined) return throttled(blocked.retryAfterSeconds)
  const step = verifyTotp({ secret, now, code: request.headers[oneTimeCodeHeader] ?? '' })
  if (step === undefined) {
    limits.count('one-time-code', [clientId])
    return 'wrong'
  }
  return { what: ['one-time-code', clientId, String(step)], until: (step + 3) * oneTimeCodeStepSeconds }
}
