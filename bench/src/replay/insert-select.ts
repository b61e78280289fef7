import type { Queryable } from '@artifact-store/log'

/**
 * Writes the rows that the views have after the first so many events of a `registryHistory`, by plain SQL in the server: for each view one
 * INSERT … SELECT from the log, with enough memory that nothing has to be sorted on disk. It is what no projection can be much faster than, and
 * no projection itself: it knows what is to come in that history (that a package is labelled and assigned once at most, for one), has to begin
 * from nothing, and no handler of ours runs.
 * @param client in a transaction, on empty views.
 */
export async function insertSelect(client: Queryable, events: number): Promise<void> {
  await client.query({ text: `set local work_mem = '256MB'` })
  for (const text of [packages, files, retention, blobs, checkpoint]) await client.query({ text: text(events) })
}

const payload = `convert_from(payload, 'UTF8')::jsonb`

/** The events of some types among the first so many, as a table. */
function ofType(events: number, types: readonly string[], columns: string): string {
  const names = types.map(type => `'v1.${type}'`).join(', ')
  return `(select subject_id, ${columns} from log.events where sequence <= ${events} and event_type in (${names}))`
}

const isGone = (events: number, alias: string) =>
  `exists (select from ${ofType(events, ['package.deleted', 'package.discarded'], 'sequence')} gone where gone.subject_id = ${alias}.subject_id)`

const packages = (events: number) => `
  insert into views.artifact_packages
  select c.subject_id::uuid, c.payload->>'name', c.payload->>'version', c.payload->>'kind', c.payload->>'producer',
         coalesce(((c.payload->'labels') - l.remove) || l.set, c.payload->'labels'), c.payload->'inputs',
         case when last.deleted then 'deleted' when last.discarded then 'discarded' when f.payload is not null then 'finalized' else 'open' end,
         last.revision, c.created_at, c.actor, c.sequence, last.at,
         case when last.discarded then 0 else coalesce(files.count, 0) end, case when last.discarded then 0 else coalesce(files.size, 0) end,
         f.created_at, f.payload->>'manifestDigest', f.payload->>'manifestSha256', (f.payload->>'manifestSize')::bigint,
         f.payload->>'configDigest', f.payload->>'configSha256', (f.payload->>'configSize')::bigint, last.reason
    from ${ofType(events, ['package.created'], `sequence, created_at, actor, ${payload} as payload`)} c
    join (select subject_id, max(subject_revision) as revision, max(created_at) as at,
                 bool_or(event_type = 'v1.package.deleted') as deleted, bool_or(event_type = 'v1.package.discarded') as discarded,
                 max(case when event_type in ('v1.package.deleted', 'v1.package.discarded') then ${payload}->>'reason' end) as reason
            from log.events where sequence <= ${events} and subject_kind = 'package' group by subject_id) last using (subject_id)
    left join ${ofType(events, ['package.finalized'], `created_at, ${payload} as payload`)} f using (subject_id)
    left join (select subject_id, payload->'set' as set, array(select jsonb_array_elements_text(payload->'remove')) as remove
                 from ${ofType(events, ['package.labelled'], `${payload} as payload`)} labelled) l using (subject_id)
    left join (select subject_id, sum(count) as count, sum(size) as size
                 from (select subject_id, 1 as count, (file->>'size')::bigint as size
                         from ${ofType(events, ['package.files-added'], `${payload}->'files' as files`)} added, jsonb_array_elements(files) file
                       union all
                       select subject_id, -1, -(payload->>'size')::bigint
                         from ${ofType(events, ['package.file-removed'], `${payload} as payload`)} removed) change
                group by subject_id) files using (subject_id)`

const files = (events: number) => `
  insert into views.package_files
  select a.subject_id::uuid, file->>'path', file->>'digest', file->>'sha256', (file->>'size')::bigint, file->>'mediaType', a.sequence
    from ${ofType(events, ['package.files-added'], `sequence, ${payload}->'files' as files`)} a, jsonb_array_elements(files) file
   where not ${isGone(events, 'a')}
     and not exists (select from ${ofType(events, ['package.file-removed'], `${payload}->>'path' as path`)} removed
                      where removed.subject_id = a.subject_id and removed.path = file->>'path')`

const retention = (events: number) => `
  insert into views.retention_state
  select c.subject_id::uuid, coalesce(assigned.payload->>'retentionClass', c.payload->>'retentionClass'), (assigned.payload->>'expiresAt')::timestamptz,
         case when held.subject_id is null or released.subject_id is not null then '{}'
              else jsonb_build_object(held.subject_id, jsonb_build_object('reason', held.payload->>'reason', 'person', held.payload->>'person',
                     'since', to_char(held.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))) end
    from ${ofType(events, ['package.created'], `${payload} as payload`)} c
    left join ${ofType(events, ['retention.assigned'], `${payload} as payload`)} assigned using (subject_id)
    left join ${ofType(events, ['hold.placed'], `created_at, ${payload} as payload`)} held on held.payload->>'packageId' = c.subject_id
    left join ${ofType(events, ['hold.released'], 'sequence')} released on released.subject_id = held.subject_id
   where not ${isGone(events, 'c')}`

const blobs = (events: number) => `
  insert into views.blobs
  select stored.subject_id, payload->>'sha256', (payload->>'size')::bigint, 'stored', coalesce(checked.revision, 1), stored.created_at, checked.at,
         case when checked.at is null then 'unchecked' else 'intact' end
    from ${ofType(events, ['blob.stored'], `created_at, ${payload} as payload`)} stored
    left join (select subject_id, max(subject_revision) as revision, max(created_at) as at
                 from ${ofType(events, ['fixity.checked'], 'subject_revision, created_at')} c group by subject_id) checked using (subject_id)`

const checkpoint = (events: number) => `insert into views.checkpoints values ('registry', ${events})`
