import type { EventType } from '@artifact-store/core'
import { accessTokensView } from './views/access-tokens.ts'
import { packagesView } from './views/artifact-packages.ts'
import { blobsView } from './views/blobs.ts'
import { packageFilesView } from './views/package-files.ts'
import { retentionStateView } from './views/retention-state.ts'

const views = [packagesView, packageFilesView, retentionStateView, blobsView, accessTokensView] as const

/** Facts that only the log tells so far: no view shows them. */
type LogOnly =
  | 'v1.alias.set'
  | 'v1.alias.removed'
  | 'v1.policy.published'
  | 'v1.plan.created'
  | 'v1.plan.approved'
  | 'v1.plan.executed'
  | 'v1.retrievals.recorded'

type Handled<View> = View extends { readonly handlers: infer Handlers } ? keyof Handlers : never
type Projected = Handled<(typeof views)[number]>

type Uncovered = Exclude<EventType, Projected | LogOnly>

/**
 * The views that are projected together, under one checkpoint, in the order in which their rows are written. Does not compile
 * while an event type of the catalogue is neither projected nor said to be told by the log only.
 */
export const registryViews: [Uncovered] extends [never] ? typeof views : Uncovered = views
