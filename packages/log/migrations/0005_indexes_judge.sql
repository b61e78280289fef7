-- What an index refuses, nobody has to look up before. An append's key must be new, and a subject that is expected at revision 0 must be new: the
-- unique indexes of the partition that is being filled say so when the events go in, and looking first was one more search of the same
-- indexes for each event. The reasons are in docs/adr/0035.

-- Around the insert of both functions, as source text: where an index refuses, nothing is appended, and log.append_batch says what is in the way.
create function log.unless_refused(statement text) returns text language sql immutable
return $begin$
  begin
  $begin$ || statement || $end$;
  exception when unique_violation then
    return null;
  end;$end$;

-- The insert of log.append_one: `revision` is where the subject stands, told by what is joined, and `conditions` is what must hold of it.
create function log.insert_one(revision text, joined text, conditions text) returns text language sql immutable
return $insert$
  insert into log.events_here as appended (sequence, subject_revision, created_at, event_type, subject_kind, subject_id, actor, payload, payload_digest,
                                append_key, append_events)
  select coalesce(last.sequence, before_the_first) + 1, $insert$ || revision || $insert$ + 1,
         greatest(date_trunc('milliseconds', clock_timestamp()), last.created_at),
         of_type, of_kind, of_id, by_actor,$insert$ || log.proven_payload('of_type', 'with_payload', 'with_digest') || $insert$,
         with_digest, under_key, case when under_key is not null then 1 end
    from (select) always
    left join (select e.sequence, e.created_at from log.events_here e order by e.sequence desc limit 1) last on true $insert$ || joined || $insert$
   where $insert$ || conditions || $insert$
     and (under_key is null or not known_key(under_key))
     and coalesce(last.sequence, before_the_first) < the_last
  returning appended.sequence, appended.created_at into placed, created$insert$;

create or replace function log.append_one_source() returns text language sql immutable
return $append$
declare
  placed  bigint;
  created timestamptz;
  done    boolean; -- of calls that answer nothing
begin$append$ || log.before_append() || $append$
  if at_revision = 0 then$append$ || log.unless_refused(log.insert_one('0', '', 'not closed_subject(of_kind, of_id)')) || $append$
  else$append$ || log.unless_refused(log.insert_one('coalesce(stands.revision, closed.revision, 0)', $joined$
    left join (select e.subject_revision as revision from log.events_here e
                where e.subject_id = of_id and e.subject_kind = of_kind order by e.subject_revision desc limit 1) stands on true
    left join (select c.revision, c.sealed from log.subjects c where c.subject_id = of_id and c.subject_kind = of_kind limit 1) closed on true$joined$,
    $where$(at_revision is null or at_revision = coalesce(stands.revision, closed.revision, 0))
     and (not unsealed or not coalesce(
           (select true from log.events_here e where e.subject_id = of_id and e.subject_kind = of_kind
               and (e.event_type like '%.finalized' or e.event_type like '%.discarded') limit 1), closed.sealed, false))$where$)) || $append$
  end if;
  if placed is null then
    return null;
  end if;
  done := pg_notify('artifact_store_log', placed::text) is null;
  return array[placed - 1, (extract(epoch from created) * 1000)::bigint];
end
$append$;

-- As before, and subjects behind those of subject_revision and subject_unsealed must be new, with an event of this batch for each.
create or replace function log.append_source() returns text language sql immutable
return $append$
declare
  judged_to  integer := cardinality(subject_revision);
  revisions  bigint[]; -- of the subjects up to there, before this batch
  head       bigint;   -- the log's last sequence before this batch
  created    timestamptz;
  in_the_way boolean;
  done       boolean;  -- of calls that answer nothing
begin$append$ || log.before_append() || $append$
  select last.sequence, last.created_at, judged.revisions, judged.refused or known.any_closed or known.any_key
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
            from (select generate_series(1, judged_to) as n offset 0) at offset 0) s) judged
   cross join (
      select bool_or(known_key(event_key[at.n])) as any_key,
             bool_or(closed_subject(append.subject_kind[judged_to + at.n], append.subject_id[judged_to + at.n])) as any_closed
        from (select generate_series(1, cardinality(event_key)) as n offset 0) at) known
    left join (select e.sequence, e.created_at from log.events_here e order by e.sequence desc limit 1) last on true;

  head := coalesce(head, before_the_first);
  if in_the_way or head + cardinality(event_type) > the_last then
    return null;
  end if;
  created := greatest(date_trunc('milliseconds', clock_timestamp()), created);
$append$ || log.unless_refused($insert$
  insert into log.events_here (sequence, subject_revision, created_at, event_type, subject_kind, subject_id, actor, payload, payload_digest,
                                append_key, append_events)
  select head + at.n, coalesce(revisions[event_subject[at.n]], 0) + event_rank[at.n], created, event_type[at.n],
         subject_kind[event_subject[at.n]], subject_id[event_subject[at.n]], event_actor[at.n],$insert$
         || log.proven_payload('event_type[at.n]', 'event_payload[at.n]', 'event_digest[at.n]') || $insert$,
         event_digest[at.n], event_key[at.n], event_count[at.n]
    from (select generate_series(1, cardinality(event_type)) as n offset 0) at$insert$) || $append$

  done := pg_notify('artifact_store_log', (head + cardinality(event_type))::text) is null;
  return array[head, (extract(epoch from created) * 1000)::bigint];
end
$append$;

-- The source with what belongs to the partition put in. `keys` are the searches for a key in the partitions before it; null: there are none.
create or replace function log.tailored(source text, here log.partitions, keys text) returns text language sql immutable
return regexp_replace(regexp_replace(replace(replace(replace(source,
  'events_here', 'events_' || here.first_sequence),
  'before_the_first', (here.first_sequence - 1)::text),
  'the_last', here.last_sequence::text),
  'known_key\(([^)]*)\)', coalesce('coalesce(' || replace(keys, '$key$', '\1') || ', false)', 'false'), 'g'),
  'closed_subject\(([^,]*), ([^)]*)\)', case when here.first_sequence = 1 then 'false'
    else 'exists (select from log.subjects c where c.subject_id = \2 and c.subject_kind = \1)' end, 'g');

create or replace function log.tailor_append() returns trigger language plpgsql
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
  -- Keys that are remembered elsewhere, the newest first: a repeat mostly comes soon. Of its own the partition's index speaks.
  select string_agg(format('(select true from log.%I e where e.append_key = $key$ limit 1)', 'events_' || p.first_sequence), ', '
                    order by p.first_sequence desc)
    into keys from log.partitions p where p.keeps_keys and p.first_sequence < here.first_sequence;
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

-- Nothing changes by this but that the trigger runs.
update log.partitions set keeps_keys = keeps_keys;

revoke all on function log.unless_refused, log.insert_one from public;
