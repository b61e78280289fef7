export { abortable } from './abortable.ts'
export { openFsBlobStore } from './backends/fs.ts'
export { openMemoryBlobStore } from './backends/memory.ts'
export {
  type Abortable,
  type BlobEntry,
  type BlobStat,
  type BlobStore,
  type ByteStream,
  type Space,
  smallBlobBytes,
} from './blob-store.ts'
export { type ByteRange, clampRange } from './byte-range.ts'
export type { BackendReport, Capability, Finding } from './capability.ts'
export type { BlobFinding, CopyFinding } from './check-blob.ts'
export { type CheckedBlobStore, type CheckedGet, type CheckedOptions, type CheckedPut, checkedBlobStore } from './checked.ts'
export { assertDigests, type CheckedUploads, type PartialContent, type UploadWriter } from './checked-uploads.ts'
export { copyBlob } from './copy-blob.ts'
export { type CopiedBlobs, type CopyBlobsOptions, copyBlobs } from './copy-blobs.ts'
export { type ContentHashing, onTheEventLoop, openContentHashing } from './hashing/content-hashing.ts'
export type { Blake3Hasher, HashKernel, KernelName } from './hashing/kernel.ts'
export { type KernelChoice, kernelChoices, openHashKernel } from './hashing/open-kernel.ts'
export { portableKernel } from './hashing/portable-kernel.ts'
export { type ContentHasher, createContentHasher, hashBytes } from './hashing.ts'
export { assertBlobStoreUrl, blobStoreSchemes, openBlobStore, openDerivedStore } from './open.ts'
export { release } from './release.ts'
export { type Places, severalBlobStores } from './several/several-blob-stores.ts'
export type { ResumeOptions, StagedBytes, StagedEntry, StagedWriter, Staging } from './staging.ts'
