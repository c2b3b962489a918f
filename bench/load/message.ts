/** Request bytes, written once and sent many times where a flow allows. */
export const getMessage = (host: string, path: string, headers = ''): string =>
  `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nuser-agent: gatehouse-bench\r\n${headers}\r\n`

export const postMessage = (
  host: string,
  path: string,
  form: Record<string, string> | string,
  headers = '',
): string => {
  const body = typeof form === 'string' ? form : new URLSearchParams(form).toString()
  return `POST ${path} HTTP/1.1\r\nhost: ${host}\r\nuser-agent: gatehouse-bench\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: ${body.length}\r\n${headers}\r\n${body}`
}

/** RFC 6749 §2.3.1: both halves are form-encoded before base64. */
export const basicAuthorization = (client: { id: string; secret: string }): string => {
  const pair = `${encodeURIComponent(client.id)}:${encodeURIComponent(client.secret)}`
  return `authorization: Basic ${Buffer.from(pair).toString('base64')}\r\n`
}
