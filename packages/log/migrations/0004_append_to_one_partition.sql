-- An append costs what it starts. Every statement over the partitioned table opens each of its partitions and plans a way between them, every
-- array that becomes rows is written to a tuple store of its own, and a function that answers rows is one more. So the everyday append, all of it
-- into the first open partition, has functions made for that partition: few statements, over plain tables, which take arrays apart by subscript
-- and answer one value. The reasons are in docs/adr/0027.

-- What log.append_batch proves before it appends, in one place for both functions below. As source text: PL/pgSQL has no macros, and a call
-- would be a query.
create function log.before_append() returns text language sql immutable
return $begin$
  -- Under a snapshot that was taken before the lock, the last sequence would be stale.
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'log.append needs a READ COMMITTED transaction, this one is %', current_setting('transaction_isolation')
      using errcode = 'invalid_transaction_state';
  end if;

  -- An acknowledged event must survive a crash, whatever the caller's transaction was content with.
  if current_setting('synchronous_commit') = 'off' then
    perform set_config('synchronous_commit', 'on', true);
  end if;

  -- One lock, before the first query: that one takes a new snapshot, which sees all that the lock's last holder committed (docs/adr/0002).
  done := pg_advisory_xact_lock(7021810146) is null;
$begin$;

-- Where log.append_batch stands between an event and the table: what no view could hold (text with U+0000) or read must not get in.
create function log.proven_payload(event_type text, payload text, digest text) returns text language sql immutable
return format($case$
         -- Canonical JSON has few escapes, and only one of these can say U+0000, so the costly check is for few.
         case when octet_length(%3$s) = 32 and %2$s is json object
                   and (position('\x5c75'::bytea in %2$s) = 0 or jsonb_typeof(convert_from(%2$s, 'UTF8')::jsonb) = 'object')
              then %2$s else log.refuse_event(%1$s, %2$s, %3$s) end$case$, event_type, payload, digest);

-- Appends one event, or answers null, and nothing is appended: when the partition is full, or anything stands in the way. log.append_batch then
-- appends it all the same or says what does. Answers the log's last sequence before, and the time of the append, in milliseconds since 1970.
create function log.append_one_source() returns text language sql immutable
return $append$
declare
  placed  bigint;
  created timestamptz;
  done    boolean; -- of calls that answer nothing
begin$append$ || log.before_append() || $append$
  insert into log.events_here as appended (sequence, subject_revision, created_at, event_type, subject_kind, subject_id, actor, payload, payload_digest,
                                append_key, append_events)
  select coalesce(last.sequence, before_the_first) + 1, coalesce(stands.revision, closed.revision, 0) + 1,
         greatest(date_trunc('milliseconds', clock_timestamp()), last.created_at),
         of_type, of_kind, of_id, by_actor,$append$ || log.proven_payload('of_type', 'with_payload', 'with_digest') || $append$,
         with_digest, under_key, case when under_key is not null then 1 end
    from (select) always
    left join (select e.sequence, e.created_at from log.events_here e order by e.sequence desc limit 1) last on true
    left join (select e.subject_revision as revision from log.events_here e
                where e.subject_id = of_id and e.subject_kind = of_kind order by e.subject_revision desc limit 1) stands on true
    left join (select c.revision, c.sealed from log.subjects c where c.subject_id = of_id and c.subject_kind = of_kind limit 1) closed on true
   where (at_revision is null or at_revision = coalesce(stands.revision, closed.revision, 0))
     and (not unsealed or not coalesce(
           (select true from log.events_here e where e.subject_id = of_id and e.subject_kind = of_kind
               and (e.event_type like '%.finalized' or e.event_type like '%.discarded') limit 1), closed.sealed, false))
     and (under_key is null or not known_key(under_key))
     and coalesce(last.sequence, before_the_first) < the_last
  returning appended.sequence, appended.created_at into placed, created;
  if not found then
    return null;
  end if;
  done := pg_notify('artifact_store_log', placed::text) is null;
  return array[placed - 1, (extract(epoch from created) * 1000)::bigint];
end
$append$;

-- The same for a batch, whole or not at all, as log.append_batch has it; so are its parameters, but for `event_kind` and `event_id`, which the
-- subject at `event_subject` has too.
create function log.append_source() returns text language sql immutable
return $append$
declare
  revisions  bigint[]; -- of the subjects, before this batch
  head       bigint;   -- the log's last sequence before this batch
  created    timestamptz;
  in_the_way boolean;
  done       boolean;  -- of calls that answer nothing
begin$append$ || log.before_append() || $append$
  select last.sequence, last.created_at, judged.revisions, judged.refused or known.any_key
    into head, created, revisions, in_the_way
    from (
      select array_agg(s.revision) as revisions,
             bool_or(subject_revision[s.n] <> s.revision or subject_unsealed[s.n] and coalesce(
               (select true from log.events_here e
                 where e.subject_id = append.subject_id[s.n] and e.subject_kind = append.subject_kind[s.n]
                   and (e.event_type like '%.finalized' or e.event_type like '%.discarded') limit 1),
               (select c.sealed from log.subjects c where c.subject_id = append.subject_id[s.n] and c.subject_kind = append.subject_kind[s.n]),
               false)) as refused
        from (
          select at.n, coalesce(
              (select e.subject_revision from log.events_here e
                where e.subject_id = append.subject_id[at.n] and e.subject_kind = append.subject_kind[at.n] order by e.subject_revision desc limit 1),
              (select c.revision from log.subjects c where c.subject_id = append.subject_id[at.n] and c.subject_kind = append.subject_kind[at.n]),
              0) as revision
            -- In the list of a SELECT it needs no tuple store.
            from (select generate_series(1, cardinality(subject_id)) as n offset 0) at offset 0) s) judged
   cross join (
      select bool_or(known_key(event_key[at.n])) as any_key
        from (select generate_series(1, cardinality(event_key)) as n offset 0) at where event_key[at.n] is not null) known
    left join (select e.sequence, e.created_at from log.events_here e order by e.sequence desc limit 1) last on true;

  head := coalesce(head, before_the_first);
  if in_the_way or head + cardinality(event_type) > the_last then
    return null;
  end if;
  created := greatest(date_trunc('milliseconds', clock_timestamp()), created);

  insert into log.events_here (sequence, subject_revision, created_at, event_type, subject_kind, subject_id, actor, payload, payload_digest,
                                append_key, append_events)
  select head + at.n, revisions[event_subject[at.n]] + event_rank[at.n], created, event_type[at.n],
         subject_kind[event_subject[at.n]], subject_id[event_subject[at.n]], event_actor[at.n],$append$
         || log.proven_payload('event_type[at.n]', 'event_payload[at.n]', 'event_digest[at.n]') || $append$,
         event_digest[at.n], event_key[at.n], event_count[at.n]
    from (select generate_series(1, cardinality(event_type)) as n offset 0) at;

  done := pg_notify('artifact_store_log', (head + cardinality(event_type))::text) is null;
  return array[head, (extract(epoch from created) * 1000)::bigint];
end
$append$;

-- Makes log.append_one and log.append for the first open partition: closed ones are told by log.subjects, and later ones have no events, or else
-- these functions have no room. A session that waits for the lock meanwhile runs the function before to its end, and is right to: that one finds no
-- room, or reads further back than it has to.
create function log.tailor_append() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  here log.partitions;
  keys text;
begin
  perform pg_advisory_xact_lock(7021810149);
  select p.* into here from log.partitions p where p.carried_to < p.last_sequence order by p.first_sequence limit 1;
  if not found then
    return null;
  end if;
  -- Keys that are remembered, the newest first: a repeat mostly comes soon.
  select string_agg(format('(select true from log.%I e where e.append_key = $key$ limit 1)', 'events_' || p.first_sequence), ', '
                    order by p.first_sequence desc)
    into keys from log.partitions p where p.keeps_keys and p.first_sequence <= here.first_sequence;
  execute format($sql$
    create or replace function log.append_one(
      of_kind text, of_id text, at_revision bigint, unsealed boolean, of_type text, by_actor text, with_payload bytea, with_digest bytea, under_key uuid
    ) returns bigint[] language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    -- One plan a session, of index probes, however large the partition is when it is made.
    set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
    as %L$sql$, log.tailored(log.append_one_source(), here, keys));
  execute format($sql$
    create or replace function log.append(
      subject_kind text[], subject_id text[], subject_revision bigint[], subject_unsealed boolean[],
      event_subject integer[], event_rank integer[], event_type text[], event_actor text[], event_payload bytea[], event_digest bytea[],
      event_key uuid[], event_count integer[]
    ) returns bigint[] language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
    as %L$sql$, log.tailored(log.append_source(), here, keys));
  return null;
end
$$;

-- The source with what belongs to the partition put in.
create function log.tailored(source text, here log.partitions, keys text) returns text language sql immutable
return regexp_replace(replace(replace(replace(source,
  'events_here', 'events_' || here.first_sequence),
  'before_the_first', (here.first_sequence - 1)::text),
  'the_last', here.last_sequence::text),
  'known_key\(([^)]*)\)', 'coalesce(' || replace(keys, '$key$', '\1') || ', false)', 'g');

create trigger partitions_tailor_append after insert or update or delete on log.partitions
  for each statement execute function log.tailor_append();
-- Nothing changes by this but that the trigger runs.
update log.partitions set keeps_keys = keeps_keys;

-- Forgets keys as before, in two steps, of which the second comes with the next call: first nobody asks for them any more, then their index is dropped.
-- An append that waited for the lock meanwhile runs a function that still asks, and without the index it would read the whole partition.
create or replace function log.forget_keys(older_than interval) returns boolean language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '5s'
as $$
declare
  first bigint;
  done  boolean;
begin
  select p.first_sequence into first from log.partitions p
   where not p.keeps_keys and p.detached_at is null and to_regclass('log.events_' || p.first_sequence || '_key') is not null
   order by p.first_sequence limit 1 for update;
  if found then
    done := pg_advisory_xact_lock(7021810146) is null;
    done := set_config('lock_timeout', '100ms', true) is null;
    execute format('drop index log.%I', 'events_' || first || '_key');
    return true;
  end if;

  select p.first_sequence into first from log.partitions p
   where p.keeps_keys and p.carried_to = p.last_sequence
     and (select e.created_at from log.events e where e.sequence = p.last_sequence) < clock_timestamp() - older_than
   order by p.first_sequence limit 1 for update;
  if not found then
    return false;
  end if;
  update log.partitions set keeps_keys = false where first_sequence = first;
  return true;
exception when lock_not_available then
  return false;
end
$$;

revoke all on function log.before_append, log.proven_payload, log.append_one_source, log.append_source, log.tailored, log.tailor_append, log.append,
  log.append_one from public;
grant execute on function log.append, log.append_one to log_writer;
