import manifest from '../package.json' with { type: 'json' }

/** The version of the system: its packages and services are released together. */
export const version: string = manifest.version
