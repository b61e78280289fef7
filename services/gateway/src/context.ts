import type { CheckedBlobStore } from '@artifact-store/blobs'
import type { RecordedEvent } from '@artifact-store/core'
import type { AppendPort, EventFilter, LogReader, PagedLogReader, Queryable } from '@artifact-store/log'
import type { Logger } from '@artifact-store/service'
import type { Uploads } from '@artifact-store/uploads'
import type { ViewsDatabase } from '@artifact-store/views'
import type { Archives } from './archive/package-archive.ts'
import type { EventsContext } from './events/events-context.ts'
import type { TokenLookup } from './http/authenticate.ts'
import type { TokenLimits } from './limits/token-limits.ts'
import type { UploadLimits } from './limits/upload-limits.ts'
import type { FileLookup } from './registry/file-lookup.ts'
import type { PackageFiles } from './registry/package-files.ts'
import type { MigrateBlobs } from './stores/migrate-blobs.ts'
import type { NamedStore } from './stores/named-store.ts'
import type { ViewsFollower } from './views-follower.ts'

/** What the routes work with. */
export interface GatewayContext {
  readonly log: AppendPort
  /** Where the log-writers are, the preferred one first. */
  readonly logWriters: readonly URL[]
  /** The log, narrowed by a filter. */
  readonly read: (filter?: EventFilter) => PagedLogReader
  /** The whole log without looking into its payloads. */
  readonly records: () => LogReader<RecordedEvent>
  readonly events: EventsContext
  readonly views: ViewsDatabase
  readonly tokens: TokenLookup
  readonly findFile: FileLookup
  /** The views as a whole: what is done with all of them is asked for here. */
  readonly database: Queryable
  readonly follower: ViewsFollower
  readonly blobs: CheckedBlobStore
  /** Where blobs are put, as the log says it: the address without secrets. */
  readonly backend: string
  /** Every store where blobs are, the primary first. */
  readonly stores: readonly NamedStore[]
  readonly migrateBlobs: MigrateBlobs
  readonly archives: Archives
  readonly packageFiles: PackageFiles
  /** Uploads that arrive in pieces. */
  readonly uploads: Uploads
  /** How long a client may send nothing of a body that is read, in milliseconds. */
  readonly bodyIdleMs: number
  /** How long an address is good at which clients fetch bytes from their store themselves, in seconds; 0: they are sent from here. */
  readonly redirectSeconds: number
  readonly uploadLimits: UploadLimits
  /** Absent where nothing is limited. */
  readonly tokenLimits: TokenLimits | undefined
  /** To be told of what is refused; it counts what a limit is the reason of. */
  readonly countRefusal: (error: unknown) => void
  readonly logger: Logger
  /** Aborts when the gateway stops: streams without an end end then. */
  readonly stopping: AbortSignal
}
