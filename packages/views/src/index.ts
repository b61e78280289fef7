export type { ViewTaskOptions } from './catch-up.ts'
export type { ColumnDifference, Comparison, RowDifference, TableComparison } from './compare-states.ts'
export { type ViewsDatabase, viewsDatabase, viewsSession } from './database.ts'
export { type DrainOptions, drain } from './drain.ts'
export { viewMigrations } from './migrations.ts'
export { viewsChannel, viewsPosition } from './position.ts'
export { rebuildViews } from './rebuild.ts'
export { registryViews } from './registry.ts'
export { replay } from './replay.ts'
export { type StateDigest, stateDigest } from './state-digest.ts'
export { type Verification, verifyViews } from './verify.ts'
export {
  discardViewTask,
  dropPreviousViews,
  failViewTask,
  findViewTask,
  listViewTasks,
  nextViewTask,
  previousViewsPosition,
  requestViewTask,
  type ViewTask,
  type ViewTaskKind,
  type ViewTaskPhase,
} from './view-tasks.ts'
export { createViewWriter, type ViewWriter } from './view-writer.ts'
export * from './views/access-tokens.ts'
export * from './views/artifact-packages.ts'
export * from './views/blobs.ts'
export * from './views/package-files.ts'
export * from './views/retention-state.ts'
