import type { MigrationSet } from '@artifact-store/log'

export const uploadMigrations: MigrationSet = { component: 'uploads', directory: new URL('../migrations/', import.meta.url) }
