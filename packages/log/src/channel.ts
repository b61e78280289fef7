/** The channel on which PostgreSQL tells, at the commit, that the log has grown. `migrations/0001_event_log.sql` names it too. */
export const logChannel = 'artifact_store_log'
