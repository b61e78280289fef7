import {
  type ArtifactPath,
  type Digest,
  type EventType,
  type FileEntry,
  makeEvent,
  type NewEvent,
  type PackageId,
  type PackageState,
  type PayloadOf,
} from '@artifact-store/core'
import type { RandomSource } from './random-source.ts'

/** What has happened so far, as far as it decides what can happen next. */
export interface World {
  readonly packages: Map<PackageId, { state: PackageState; readonly files: Map<ArtifactPath, FileEntry> }>
  readonly blobs: Map<Digest, 'stored' | 'trashed' | 'purged'>
  readonly holds: Map<string, PackageId>
  readonly tokens: Set<string>
  readonly aliases: Map<string, PackageId>
  policies: number
}

export function emptyWorld(): World {
  return { packages: new Map(), blobs: new Map(), holds: new Map(), tokens: new Set(), aliases: new Map(), policies: 0 }
}

/** Makes the next event of a type, or undefined where the world does not allow one. */
export type EventMaker = (world: World, random: RandomSource) => NewEvent | undefined

export function about<T extends EventType>(type: T, subjectId: string, random: RandomSource, payload: PayloadOf<T>): NewEvent {
  return makeEvent({ type, subjectId, actor: random.text(), payload })
}

export function aboutPackage<T extends EventType>(
  world: World,
  random: RandomSource,
  type: T,
  payload: PayloadOf<T>,
): NewEvent | undefined {
  const id = packageIn(world, random, 'open', 'finalized')
  return id && about(type, id, random, payload)
}

export function packageIn(world: World, random: RandomSource, ...states: PackageState[]): PackageId | undefined {
  return random.oneOf([...world.packages].filter(([, { state }]) => states.includes(state)).map(([id]) => id))
}
