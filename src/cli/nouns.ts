import type { Command } from 'commander'
import type { Io } from './io.ts'

/** Adds a noun's verbs to the program. */
export type Register = (program: Command, io: Io) => void

export type Noun = { readonly name: string; readonly summary: string; readonly load: () => Promise<Register> }

/** Every noun, each loaded only when it is spoken: `serve` must not wait for what it doesn't need. */
export const nouns: readonly Noun[] = [
  {
    name: 'init',
    summary: 'write a configuration, make the store and its first accounts',
    load: async () => (await import('./init.ts')).registerInit,
  },
  { name: 'serve', summary: 'run the server', load: async () => (await import('./serve.ts')).registerServe },
  { name: 'user', summary: 'accounts of people and bots', load: async () => (await import('./user.ts')).registerUser },
  { name: 'client', summary: 'OAuth clients', load: async () => (await import('./client.ts')).registerClient },
  {
    name: 'resource',
    summary: 'APIs that take access tokens',
    load: async () => (await import('./resource.ts')).registerResource,
  },
  {
    name: 'token',
    summary: 'mint, narrow, look into, verify and revoke tokens',
    load: async () => (await import('./token.ts')).registerToken,
  },
  {
    name: 'request',
    summary: 'sign requests as a client',
    load: async () => (await import('./request.ts')).registerRequest,
  },
  { name: 'otp', summary: 'one-time codes', load: async () => (await import('./otp.ts')).registerOtp },
  { name: 'key', summary: 'keys and their rotation', load: async () => (await import('./key.ts')).registerKey },
  {
    name: 'provider',
    summary: 'other servers, through which people sign in',
    load: async () => (await import('./provider.ts')).registerProvider,
  },
  {
    name: 'connection',
    summary: 'tokens of other services, kept for programs',
    load: async () => (await import('./connection.ts')).registerConnection,
  },
  { name: 'store', summary: 'the store itself', load: async () => (await import('./store.ts')).registerStore },
  { name: 'events', summary: 'the audit events', load: async () => (await import('./events.ts')).registerEvents },
  {
    name: 'doctor',
    summary: 'check configuration, clock, keys and store',
    load: async () => (await import('./doctor.ts')).registerDoctor,
  },
]
