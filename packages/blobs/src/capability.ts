/**
 * What servers of one protocol differ in. A backend uses one of these only after a trial has shown that it works, and has another
 * way where it does not.
 */
export type Capability =
  | 'range'
  | 'copy'
  | 'copy-part'
  | 'list-after-write'
  | 'checksum'
  | 'conditional-put'
  | 'conditional-completion'

/** What a trial of a capability showed. */
export interface Finding {
  readonly capability: Capability
  /** Whether it was seen to work. */
  readonly works: boolean
  /** What was seen, as a sentence. */
  readonly seen: string
}

/** A backend, and what was found when it was last examined. */
export interface BackendReport {
  /** Its URL without secrets. */
  readonly address: string
  /** When its capabilities were last tried; undefined while they never were: then none is used. */
  readonly examinedAt?: Date | undefined
  /** Empty for a backend that has no choice to make, as a directory. */
  readonly findings: readonly Finding[]
  /** Why the backend cannot be used at present, as far as that is known without asking it. */
  readonly trouble?: string | undefined
}
