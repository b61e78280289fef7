import { doubtful, type Finding } from './finding.ts'

/** What can be said of an address before anything is sent there. */
export function* addressFindings(address: string): Generator<Finding> {
  const url = URL.parse(address)
  if (!url) return
  if (url.protocol === 'http:' && !isThisMachine(url.hostname)) {
    yield doubtful(
      'address',
      `${address} is not encrypted: the token and the bytes can be read on the way`,
      'put a proxy with TLS in front of the gateway, and give its https address; within a private network this may be meant',
    )
  }
  if (url.username !== '' || url.password !== '')
    yield doubtful('address', 'it has a user or a password in it, which are not used', 'give the token by ARTIFACT_STORE_TOKEN')
  if (/\/v1(\/|$)/.test(url.pathname))
    yield doubtful('address', 'it ends with a path of the API', `give the address before it: ${url.origin}`)
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host)
}
