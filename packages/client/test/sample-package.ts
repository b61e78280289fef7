export const id = '01a205f3-fc15-76bf-a5d3-b7d5601575e5'

/** A package as the gateway shows it, open and empty where nothing else is said. */
export function samplePackage(fields: Readonly<Record<string, unknown>> = {}) {
  return {
    id,
    state: 'open',
    name: 'ci/nightly',
    kind: 'evidence',
    labels: {},
    inputs: [],
    createdAt: '2026-01-01T00:00:00.000Z',
    createdBy: 'ci',
    updatedAt: '2026-01-01T00:00:00.000Z',
    fileCount: 0,
    totalSize: 0,
    revision: 1,
    ...fields,
  }
}
