import type { Register } from '@artifact-store/uploads'
import type { GatewayContext } from '../context.ts'
import { registerBlob } from '../registry/store-blob.ts'

/** Writes into the log what an upload has become: a blob and, where it names one, a file of a package. */
export function registerUpload(
  gateway: Pick<GatewayContext, 'log' | 'follower' | 'views' | 'backend' | 'packageFiles'>,
): Register {
  return async ({ actor, target, mediaType }, digests) => {
    if (target === undefined) return (await registerBlob(gateway, actor, digests)).position
    const { packageId, path } = target
    return (await gateway.packageFiles.add(packageId, { path, ...digests, mediaType }, actor)).position
  }
}
