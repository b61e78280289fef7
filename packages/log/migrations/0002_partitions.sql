-- Storage for billions: the events in partitions by sequence, so that no index outgrows memory and the oldest part of the log can be moved
-- away; and an append that costs less for each event. The reasons are in docs/adr/0018.

-- An append's key is remembered with its first event: a row less for each append, and old keys go with the index of their partition. 128 bits of
-- SHA-256 over the key, so that the index stays small however long people's keys are.
create function log.key_digest(key text) returns uuid language sql immutable strict parallel safe
return encode(substring(sha256(convert_to(key, 'UTF8')) for 16), 'hex')::uuid;

-- What there was becomes the first partition.
alter table log.events rename to events_1;
alter table log.events_1
  drop constraint events_sequence_check,
  drop constraint events_subject_revision_check,
  drop constraint events_subject_revision,
  -- These two are the business of log.append_batch now, the only way in: as constraints they are prepared anew in every transaction.
  drop constraint events_payload_is_a_json_object,
  drop constraint events_payload_digest_check,
  add column append_key uuid,
  add column append_events integer;
drop index log.events_seal;
drop view log.readable_events;
drop function log.append;
alter index log.events_pkey rename to events_1_pkey;
alter index log.events_type rename to events_1_type;
do $$
begin
  -- Payloads of more than some 2 kB are compressed; where the server can, by the algorithm that costs least to read.
  alter table log.events_1 alter column payload set compression lz4;
exception when feature_not_supported then
  raise notice 'this PostgreSQL has no lz4: large payloads are compressed by pglz';
end
$$;

-- No event changes by this: what the log knows of each append moves to the append's first event.
alter table log.events_1 disable trigger events_are_immutable;
update log.events_1 e set append_key = log.key_digest(p.key), append_events = p.last_sequence - p.first_sequence + 1
  from log.appends p where p.first_sequence = e.sequence;
alter table log.events_1 enable always trigger events_are_immutable;
drop table log.appends;

create table log.events (
  like log.events_1 including compression,
  primary key (sequence)
) partition by range (sequence);
-- A reader of some types finds its next event by one probe a type, however rare they are.
create index events_type on log.events (event_type, sequence);
create trigger events_are_immutable before update or delete or truncate on log.events
  for each statement execute function log.refuse_change();
alter table log.events enable always trigger events_are_immutable;

-- The partitions, in the order of their events. Their ranges follow each other without a gap.
create table log.partitions (
  first_sequence bigint primary key,
  last_sequence  bigint not null check (last_sequence >= first_sequence),
  -- Up to where log.subjects tells what is in it. A partition is open until that is its end: appending looks into open ones, and
  -- into log.subjects for all that came before.
  carried_to     bigint not null check (carried_to between first_sequence - 1 and last_sequence),
  -- Whether the keys of its appends are remembered, so that a repeat is known.
  keeps_keys     boolean not null default true
);
create index partitions_with_keys on log.partitions (first_sequence) where keeps_keys;

-- Where each subject stood at the end of the closed partitions. Rows are written when a partition is closed, not when an event is appended: a
-- row that changed with every event would leave a dead version behind each time, which nobody may remove while any transaction is old.
create table log.subjects (
  subject_id   text    collate "C",
  subject_kind text    collate "C",
  revision     bigint  not null,
  sealed       boolean not null,
  primary key (subject_id, subject_kind)
);

-- Gives a partition the indexes that only hold within it, and what keeps it from being changed.
create function log.furnish_partition(partition text) returns void language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Finds a subject's revision by one index probe, and makes two events of one revision impossible.
  execute format('create unique index %I on log.%I (subject_id, subject_kind, subject_revision)', partition || '_subject', partition);
  -- A subject is sealed once. The index answers the `unsealed` condition and holds the rule even against our own mistakes.
  execute format($sql$create unique index %I on log.%I (subject_id, subject_kind)
                       where event_type like '%%.finalized' or event_type like '%%.discarded'$sql$, partition || '_seal', partition);
  execute format('create unique index %I on log.%I (append_key) where append_key is not null', partition || '_key', partition);
  execute format('create or replace trigger events_are_immutable before update or delete or truncate on log.%I
                  for each statement execute function log.refuse_change()', partition);
  -- Also in a session that has set session_replication_role to replica, which switches ordinary triggers off.
  execute format('alter table log.%I enable always trigger events_are_immutable', partition);
end
$$;

-- Makes the partition behind the last one, for so many events; as many as the last one holds when not said. Answers where it ends. It is
-- attached, not created in place: that waits neither for readers nor for writers.
create function log.add_partition(events bigint default null) returns bigint language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  previous log.partitions;
  first    bigint;
  last     bigint;
  name     text;
begin
  perform pg_advisory_xact_lock(7021810149);
  select p.* into previous from log.partitions p order by p.first_sequence desc limit 1;
  first := previous.last_sequence + 1;
  last := previous.last_sequence + coalesce(events, previous.last_sequence - previous.first_sequence + 1);
  name := 'events_' || first;
  execute format('create table log.%I (like log.events including defaults including compression including storage)', name);
  perform log.furnish_partition(name);
  execute format('alter table log.events attach partition log.%I for values from (%s) to (%s)', name, first, last + 1);
  insert into log.partitions values (first, last, first - 1);
  return last;
end
$$;

do $$
declare
  size constant bigint := 16777216;
  head bigint := coalesce((select max(sequence) from log.events_1), 0);
  last bigint := size * greatest(1, (head + size - 1) / size);
begin
  perform log.furnish_partition('events_1');
  execute format('alter table log.events attach partition log.events_1 for values from (1) to (%s)', last + 1);
  insert into log.partitions values (1, last, 0);
  perform log.add_partition(size);
end
$$;

-- Makes the next partition before it is needed: once the last one but one is half full.
create function log.keep_partitions_ahead() returns void language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  head bigint := coalesce((select sequence from log.events order by sequence desc limit 1), 0);
begin
  while head > (select (p.first_sequence + p.last_sequence) / 2 from log.partitions p order by p.first_sequence desc offset 1 limit 1) loop
    perform log.add_partition();
  end loop;
end
$$;

-- Closes full partitions, a piece at a time: carries where their subjects stand into log.subjects. Answers whether there is more to carry.
create function log.carry_subjects(events bigint default 100000) returns boolean language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  open_partition log.partitions;
  upto           bigint;
begin
  perform pg_advisory_xact_lock(7021810149);
  select p.* into open_partition from log.partitions p
   where p.carried_to < p.last_sequence and exists (select from log.events e where e.sequence > p.last_sequence)
   order by p.first_sequence limit 1;
  if not found then
    return false;
  end if;
  upto := least(open_partition.carried_to + events, open_partition.last_sequence);
  insert into log.subjects as s (subject_id, subject_kind, revision, sealed)
  select e.subject_id, e.subject_kind, max(e.subject_revision), bool_or(e.event_type like '%.finalized' or e.event_type like '%.discarded')
    from log.events e
   where e.sequence > open_partition.carried_to and e.sequence <= upto
   group by e.subject_id, e.subject_kind
   order by e.subject_id, e.subject_kind
  on conflict (subject_id, subject_kind) do update set revision = excluded.revision, sealed = s.sealed or excluded.sealed;
  update log.partitions set carried_to = upto where first_sequence = open_partition.first_sequence;
  return true;
end
$$;

-- Forgets the keys of the appends in closed partitions whose events are all older than that: a repeat of such an append would not be known.
create function log.forget_keys(older_than interval) returns void language plpgsql
security definer
set search_path = pg_catalog, pg_temp
-- It comes again; readers and writers of the partition should not queue behind it.
set lock_timeout = '2s'
as $$
declare
  first bigint;
begin
  perform pg_advisory_xact_lock(7021810149);
  for first in
    select p.first_sequence from log.partitions p
     where p.keeps_keys and p.carried_to = p.last_sequence
       and (select e.created_at from log.events e where e.sequence = p.last_sequence) < clock_timestamp() - older_than
     order by p.first_sequence
  loop
    execute format('drop index log.%I', 'events_' || first || '_key');
    update log.partitions set keeps_keys = false where first_sequence = first;
  end loop;
end
$$;

create view log.readable_events as
  select sequence, event_type, subject_kind, subject_id, subject_revision, actor,
         convert_from(payload, 'UTF8')::jsonb as payload, encode(payload_digest, 'hex') as payload_digest, created_at
    from log.events;

-- What no view could hold (text with U+0000) or read must not get in: it could never be taken out again.
create function log.refuse_event(event_type text, payload bytea, digest bytea) returns bytea language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if octet_length(digest) <> 32 then
    raise exception 'the payload digest of % has % bytes, a BLAKE3 digest has 32', event_type, octet_length(digest)
      using errcode = 'check_violation';
  end if;
  raise exception 'the payload of % is not a JSON object', event_type using errcode = 'check_violation';
end
$$;

-- Where a subject stands at the end of the log, and, if that is asked, whether it is sealed. Its body becomes part of the statement that calls
-- it; between the two bounds lie the open partitions that have events, mostly one, and the others are left out before they are opened.
create function log.stands(closed_to bigint, head bigint, kind text, id text, ask_seal boolean) returns table (revision bigint, sealed boolean)
language sql stable
as $$
  select coalesce(open.revision, closed.revision, 0),
         ask_seal and coalesce(seal.found, closed.sealed, false)
    from (select) asked
    left join lateral (
      select e.subject_revision as revision from log.events e
       where e.sequence > closed_to and e.sequence <= head and e.subject_id = id and e.subject_kind = kind
       order by e.subject_revision desc limit 1) open on true
    left join lateral (
      select c.revision, c.sealed from log.subjects c
       where closed_to > 0 and (open.revision is null or ask_seal) and c.subject_id = id and c.subject_kind = kind limit 1) closed on true
    left join lateral (
      select true as found from log.events e
       where ask_seal and e.sequence > closed_to and e.sequence <= head and e.subject_id = id and e.subject_kind = kind
         and (e.event_type like '%.finalized' or e.event_type like '%.discarded') limit 1) seal on true
$$;

-- Appends a batch: several appends, each with its key, its conditions and its events. All of it is appended, or, where anything stands in the
-- way, nothing: `verdicts` then names what does, and the caller answers those appends and comes again with the others.
--
-- Arrays of one prefix are parallel. Each subject that is touched stands once in `subject_*`, with what must hold of it: its revision (null:
-- whatever it is), and that it is not sealed. `event_subject` is the place, from 1, of an event's subject in these, `event_rank` the event's own
-- among the batch's events of that subject (1, 2, 3 and so on). `event_key` and `event_count` stand at the first event of an append and are null
-- elsewhere.
--
-- The appends of one batch must not interfere: they have different keys, and where two touch one subject, neither may carry a revision
-- condition on it or seal it, so that every condition can be judged against the state before the batch (the caller's rule: interference.ts).
--
-- It runs as its owner, and nobody else may insert: whoever may append can make neither a hole in the sequence nor a false time, nor two events
-- of one revision. That the places and ranks are right it takes on trust: to prove them again would cost as much as all the rest.
create function log.append_batch(
  subject_kind      text[],
  subject_id        text[],
  subject_revision  bigint[],
  subject_unsealed  boolean[],
  event_subject     integer[],
  event_rank        integer[],
  event_type        text[],
  event_kind        text[],
  event_id          text[],
  event_actor       text[],
  event_payload     bytea[],
  event_digest      bytea[],
  event_key         uuid[],
  event_count       integer[],
  out head          bigint,      -- the log's last sequence before this batch: its first event has the next one
  out created_at    timestamptz, -- of this batch
  out verdicts      jsonb        -- null: appended. Else {"known": [{"event", "first", "last"}], "refused": [{"subject", "revision", "sealed"}]}
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
-- One plan, whatever the size of the batch and of the log when it is made: tables are probed by index, once for each element. It is made once a
-- session; planning took half of the time of a small append.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  closed_to  bigint;  -- up to here log.subjects tells where subjects stand
  keyless_to bigint;  -- up to here no key is remembered
  room_to    bigint;  -- up to here there are partitions
  done       boolean; -- of calls that answer nothing
begin
  -- Under a snapshot that was taken before the lock, the last sequence would be stale.
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'log.append_batch needs a READ COMMITTED transaction, this one is %', current_setting('transaction_isolation')
      using errcode = 'invalid_transaction_state';
  end if;

  -- An acknowledged event must survive a crash, whatever the caller's transaction was content with.
  if current_setting('synchronous_commit') = 'off' then
    perform set_config('synchronous_commit', 'on', true);
  end if;

  -- Before the first query: that one takes a new snapshot, which sees all that the lock's last holder committed. The lock is held until the
  -- commit is visible, so numbers become visible in order and a rollback leaves no hole. (An expression of its own costs no query.)
  done := pg_advisory_xact_lock(7021810146) is null;

  select min(p.first_sequence) filter (where p.carried_to < p.last_sequence) - 1, min(p.first_sequence) - 1, max(p.last_sequence)
    into closed_to, keyless_to, room_to from log.partitions p where p.keeps_keys;

  select e.sequence, e.created_at into head, created_at from log.events e where e.sequence > closed_to order by e.sequence desc limit 1;
  head := coalesce(head, 0);
  created_at := greatest(date_trunc('milliseconds', clock_timestamp()), created_at);

  while head + cardinality(event_type) > room_to loop
    room_to := log.add_partition();
  end loop;

  -- How every subject stands and whether a key is known is judged in the statement that inserts: it inserts all or nothing.
  insert into log.events (sequence, subject_revision, created_at, event_type, subject_kind, subject_id, actor, payload, payload_digest,
                          append_key, append_events)
  select head + e.n, judged.revisions[e.subject] + e.rank, created_at, e.type, e.kind, e.id, e.actor,
         -- Canonical JSON has few escapes, and only one of these can say U+0000, so the costly check is for few.
         case when octet_length(e.digest) = 32 and e.payload is json object
                   and (position('\x5c75'::bytea in e.payload) = 0 or jsonb_typeof(convert_from(e.payload, 'UTF8')::jsonb) = 'object')
              then e.payload
              else log.refuse_event(e.type, e.payload, e.digest) end,
         e.digest, e.key, e.events
    from (
      -- array_agg keeps the order of unnest, which the nested loops keep.
      select array_agg(stands.revision) as revisions, bool_or(s.revision <> stands.revision or stands.sealed) as refused
        from unnest(subject_kind, subject_id, subject_revision, subject_unsealed) as s(kind, id, revision, unsealed)
       cross join lateral log.stands(closed_to, head, s.kind, s.id, s.unsealed) stands) judged
   cross join unnest(event_subject, event_rank, event_type, event_kind, event_id, event_actor, event_payload, event_digest, event_key, event_count)
      with ordinality as e(subject, rank, type, kind, id, actor, payload, digest, key, events, n)
   where judged.refused is not true
     and not exists (select from unnest(event_key) as k(key) where (
       select true from log.events known where known.sequence > keyless_to and known.sequence <= head and known.append_key = k.key limit 1));

  if not found then
    verdicts := jsonb_build_object(
      'known', (
        select coalesce(jsonb_agg(jsonb_build_object('event', k.n, 'first', e.sequence, 'last', e.sequence + e.append_events - 1)), '[]')
          from unnest(event_key) with ordinality as k(key, n)
          join lateral (
            select e.sequence, e.append_events from log.events e where e.sequence > keyless_to and e.sequence <= head and e.append_key = k.key limit 1) e on true),
      'refused', (
        select coalesce(jsonb_agg(jsonb_build_object('subject', s.n, 'revision', stands.revision, 'sealed', stands.sealed)), '[]')
          from unnest(subject_kind, subject_id, subject_revision, subject_unsealed) with ordinality as s(kind, id, revision, unsealed, n)
         cross join lateral log.stands(closed_to, head, s.kind, s.id, s.unsealed) stands
         where s.revision <> stands.revision or stands.sealed));
    return;
  end if;

  done := pg_notify('artifact_store_log', (head + cardinality(event_type))::text) is null;
end
$$;

revoke all on all functions in schema log from public;
grant select on log.events, log.subjects, log.partitions, log.readable_events to log_writer, projector, gateway;
grant execute on function log.append_batch, log.keep_partitions_ahead, log.carry_subjects, log.forget_keys to log_writer;
