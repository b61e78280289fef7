import type { Route } from '../route.ts'
import { addFilesRoute } from './add-files.ts'
import { appendUploadRoute } from './append-upload.ts'
import { createPackageRoute } from './create-package.ts'
import { createUploadRoute } from './create-upload.ts'
import { createViewTaskRoute } from './create-view-task.ts'
import { describeUploadsRoute } from './describe-uploads.ts'
import { discardPackageRoute } from './discard-package.ts'
import { discardViewTaskRoute } from './discard-view-task.ts'
import { endUploadRoute } from './end-upload.ts'
import { examineBackendsRoute } from './examine-backends.ts'
import { examineStoreRoute } from './examine-store.ts'
import { finalizePackageRoute } from './finalize-package.ts'
import { findMissingBlobsRoute } from './find-missing-blobs.ts'
import { getBlobRoute } from './get-blob.ts'
import { getFileRoute } from './get-file.ts'
import { getLogArchiveRoute } from './get-log-archive.ts'
import { getManifestRoute } from './get-manifest.ts'
import { getPackageRoute } from './get-package.ts'
import { getPackageArchiveRoute } from './get-package-archive.ts'
import { getStatusRoute } from './get-status.ts'
import { getUploadRoute } from './get-upload.ts'
import { getViewTaskRoute } from './get-view-task.ts'
import { getViewsRoute } from './get-views.ts'
import { issueTokenRoute } from './issue-token.ts'
import { listBackendsRoute } from './list-backends.ts'
import { listEventsRoute } from './list-events.ts'
import { listFilesRoute } from './list-files.ts'
import { listPackagesRoute } from './list-packages.ts'
import { listTokensRoute } from './list-tokens.ts'
import { listUploadsRoute } from './list-uploads.ts'
import { migrateBackendsRoute } from './migrate-backends.ts'
import { putBlobRoute } from './put-blob.ts'
import { putFileRoute } from './put-file.ts'
import { removeFileRoute } from './remove-file.ts'
import { removePreviousViewsRoute } from './remove-previous-views.ts'
import { revokeTokenRoute } from './revoke-token.ts'

/** Every call of the API, in the order in which the documentation shows them. */
export const routes: readonly Route[] = [
  createPackageRoute,
  listPackagesRoute,
  getPackageRoute,
  listFilesRoute,
  addFilesRoute,
  putFileRoute,
  getFileRoute,
  removeFileRoute,
  finalizePackageRoute,
  discardPackageRoute,
  getManifestRoute,
  getPackageArchiveRoute,
  findMissingBlobsRoute,
  putBlobRoute,
  getBlobRoute,
  describeUploadsRoute,
  createUploadRoute,
  listUploadsRoute,
  getUploadRoute,
  appendUploadRoute,
  endUploadRoute,
  listEventsRoute,
  issueTokenRoute,
  listTokensRoute,
  revokeTokenRoute,
  getStatusRoute,
  getViewsRoute,
  createViewTaskRoute,
  getViewTaskRoute,
  discardViewTaskRoute,
  removePreviousViewsRoute,
  getLogArchiveRoute,
  examineStoreRoute,
  listBackendsRoute,
  examineBackendsRoute,
  migrateBackendsRoute,
]
