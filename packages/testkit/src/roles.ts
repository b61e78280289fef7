/** The roles that the log's first migration makes, one for each process. */
export const processRoles = ['log_writer', 'projector', 'gateway'] as const

export type ProcessRole = (typeof processRoles)[number]
