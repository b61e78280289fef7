import type { CheckedBlobStore } from '@artifact-store/blobs'
import type { AppendPort, Bell, EventFilter, LogReader } from '@artifact-store/log'
import type { Logger } from '@artifact-store/service'
import type { ViewsDatabase } from '@artifact-store/views'
import type { PackageFiles } from './registry/package-files.ts'
import type { ViewsFollower } from './views-follower.ts'

/** What the routes work with. */
export interface GatewayContext {
  readonly log: AppendPort
  /** The log, narrowed by a filter. */
  readonly read: (filter?: EventFilter) => LogReader
  /** Rings when the log has grown. */
  readonly logBell: Bell
  readonly views: ViewsDatabase
  readonly follower: ViewsFollower
  readonly blobs: CheckedBlobStore
  readonly packageFiles: PackageFiles
  readonly logger: Logger
  /** Aborts when the gateway stops: streams without an end end then. */
  readonly stopping: AbortSignal
}
