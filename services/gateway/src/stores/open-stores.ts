import { type BlobStore, openBlobStore, severalBlobStores } from '@artifact-store/blobs'
import type { GatewayConfig } from '../config.ts'
import type { NamedStore, Role } from './named-store.ts'

/** Where the blobs are: all of it as one, which owns the others, and each by its name. */
interface OpenedStores {
  readonly together: BlobStore
  readonly each: readonly [primary: NamedStore, ...others: NamedStore[]]
}

/** Opens all stores that the settings name. @throws what opening one of them throws; then none stays open. */
export async function openStores(
  config: Pick<GatewayConfig, 'BLOBS_URL' | 'BLOBS_REPLICA_URLS' | 'BLOBS_OLDER_URLS'>,
): Promise<OpenedStores> {
  await using opened = new AsyncDisposableStack()
  const open = async (role: Role, name: string, url: string): Promise<NamedStore> => ({
    role,
    name,
    place: withoutSecrets(url),
    store: opened.use(await openBlobStore(url)),
  })
  const openAll = async (role: Role, urls: readonly string[] = []): Promise<readonly NamedStore[]> => {
    const stores: NamedStore[] = []
    for (const [i, url] of urls.entries()) stores.push(await open(role, `${role}-${i + 1}`, url))
    return stores
  }
  const primary = await open('primary', 'primary', config.BLOBS_URL)
  const replicas = await openAll('replica', config.BLOBS_REPLICA_URLS)
  const older = await openAll('older', config.BLOBS_OLDER_URLS)
  const together = severalBlobStores({
    primary: primary.store,
    replicas: replicas.map(({ store }) => store),
    older: older.map(({ store }) => store),
  })
  opened.move()
  return { together, each: [primary, ...replicas, ...older] }
}

/** An address of a blob store as it may be told: with what names the place, and without user and settings. */
function withoutSecrets(url: string): string {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}${host === '' && pathname === '' ? '' : '//'}${host}${pathname}`.slice(0, 200)
}
