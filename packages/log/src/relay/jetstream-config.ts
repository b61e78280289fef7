import { ArtifactError } from '@artifact-store/core'
import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig, type StreamInfo } from 'nats'

/** What a stream that is made here keeps; what is left out does not limit. An existing stream keeps the limits that it has. */
export interface StreamLimits {
  readonly maxMessages?: number | undefined
  readonly maxBytes?: number | undefined
  readonly maxAgeMs?: number | undefined
}

export interface StreamShape {
  readonly name: string
  readonly subjectPrefix: string
  readonly replicas: number
  readonly limits: StreamLimits
}

/** The configuration of a stream that is made for the first time. */
export function freshConfig({ name, subjectPrefix, replicas, limits }: StreamShape) {
  return {
    name,
    description: 'A copy of the event log of artifact-store; refilled from it when lost',
    subjects: [`${subjectPrefix}.>`],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    num_replicas: replicas,
    deny_delete: true,
    allow_direct: true,
    max_msgs: limits.maxMessages ?? -1,
    max_bytes: limits.maxBytes ?? -1,
    max_age: (limits.maxAgeMs ?? 0) * 1_000_000,
    // The broker's `max_payload` decides, so that raising that is enough.
    max_msg_size: -1,
  } satisfies Partial<StreamConfig>
}

/** @throws ArtifactError `configuration` when the stream was made for something else. */
export function refuseForeign({ config }: StreamInfo, { name, subjectPrefix }: StreamShape): void {
  if (config.retention === RetentionPolicy.Limits && config.subjects.includes(`${subjectPrefix}.>`)) return
  throw new ArtifactError(
    'configuration',
    `the stream ${name} was made for something else (subjects ${config.subjects.join(', ') || 'none'}, retention ${config.retention}); ` +
      `it should have the subject ${subjectPrefix}.> and the retention limits: remove it or configure another stream name`,
  )
}
