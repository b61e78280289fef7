/** Whether the service on that port of 127.0.0.1 says that it is ready. The connection is not kept: nobody else's request may be sent on it. */
export async function isReady(port: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/health/ready`, { headers: { connection: 'close' } }).catch(() => undefined)
  await answer?.body?.cancel()
  return answer?.ok ?? false
}
