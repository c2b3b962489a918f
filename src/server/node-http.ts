/**
 * Node's own HTTP server. An `import` of it reads each of its exports, among them WebSocket, and that brings a whole HTTP client
 * along which nobody here uses: alone in a process 14 MB, and at least 80 ms on a busy machine.
 */
export const { createServer } = process.getBuiltinModule('node:http')
