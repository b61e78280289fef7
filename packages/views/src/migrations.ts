import type { MigrationSet } from '@artifact-store/log'

export const viewMigrations: MigrationSet = { component: 'views', directory: new URL('../migrations/', import.meta.url) }
