/** Something that events can be appended to, from many callers at once. */
export interface Contender extends AsyncDisposable {
  /** Appends so many events to a subject that nothing was appended to before. */
  append(events: number): Promise<void>
}

/** A payload of some 300 bytes, of the shape of a registry event. */
export function samplePayload(number: number) {
  return {
    name: `scope/package-${number}`,
    version: '1.2.3',
    kind: 'evidence',
    producer: 'a job of a pipeline with a name',
    labels: { branch: 'main', number: String(number), stage: 'nightly', platform: 'linux-x64' },
    inputs: [],
    retentionClass: 'default',
  } as const
}
