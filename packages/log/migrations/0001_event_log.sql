-- The event log. What stands here carries promises 1, 2 and 7 of ARCHITECTURE.md; the reasons are in docs/adr/0002.

-- One role for each process. They cannot log in until the operator (or the launcher) gives them a password. Roles belong to
-- the cluster, not to the database, so another database's migration may have made them already.
do $$
declare
  process text;
begin
  foreach process in array array['log_writer', 'projector', 'gateway'] loop
    begin
      execute format('create role %I nologin', process);
    exception when duplicate_object or unique_violation then null;
    end;
  end loop;
end
$$;

do $$
begin
  if current_setting('server_encoding') <> 'UTF8' then
    raise exception 'the event log needs a database in UTF8, this one is in %: make it with "create database ... encoding ''UTF8'' template template0"',
      current_setting('server_encoding');
  end if;
end
$$;

create schema log;

-- Text that is looked up is collated "C": by bytes, so that no index depends on the machine's locale library.
create table log.events (
  sequence         bigint         primary key check (sequence > 0),
  subject_revision bigint         not null check (subject_revision > 0),
  created_at       timestamptz(3) not null,
  event_type       text           collate "C" not null,
  subject_kind     text           collate "C" not null,
  subject_id       text           collate "C" not null,
  actor            text           not null,
  -- The canonical bytes as they were hashed, so that the digest can be recomputed from what is stored. What no view could hold (text
  -- with U+0000) or read must not get in: it could never be taken out again.
  payload          bytea          not null
    constraint events_payload_is_a_json_object check (jsonb_typeof(convert_from(payload, 'UTF8')::jsonb) = 'object'),
  payload_digest   bytea          not null check (octet_length(payload_digest) = 32),
  -- Finds a subject's revision by one index probe, and makes two events of one revision impossible.
  constraint events_subject_revision unique (subject_kind, subject_id, subject_revision)
);

-- A subject is sealed once. The index answers the `unsealed` condition and holds the rule even against our own mistakes.
create unique index events_seal on log.events (subject_kind, subject_id)
  where event_type like '%.finalized' or event_type like '%.discarded';

-- A reader of some types finds its next event by one probe a type, however rare they are.
create index events_type on log.events (event_type, sequence);

-- What each idempotency key was answered.
create table log.appends (
  key            text   collate "C" primary key check (char_length(key) between 1 and 200),
  fingerprint    bytea  not null check (octet_length(fingerprint) = 32),
  first_sequence bigint not null,
  last_sequence  bigint not null
);

create function log.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'the event log is append-only: % on log.% is refused', tg_op, tg_table_name using errcode = 'insufficient_privilege';
end
$$;

create trigger events_are_immutable before update or delete or truncate on log.events
  for each statement execute function log.refuse_change();
create trigger appends_are_immutable before update or delete or truncate on log.appends
  for each statement execute function log.refuse_change();
-- Also in a session that has set session_replication_role to replica, which switches ordinary triggers off.
alter table log.events enable always trigger events_are_immutable;
alter table log.appends enable always trigger appends_are_immutable;

create view log.readable_events as
  select sequence, event_type, subject_kind, subject_id, subject_revision, actor,
         convert_from(payload, 'UTF8')::jsonb as payload, encode(payload_digest, 'hex') as payload_digest, created_at
    from log.events;

-- Appends a batch: several appends, each with its key, its conditions and its events; each is accepted or refused alone.
--
-- Arrays of one prefix are parallel. `condition_append` and `event_append` say, from 1, to which append an element belongs.
-- The appends of one batch must not interfere: they have different keys, and where two touch one subject, neither may carry a revision
-- condition on it or seal it, so that every condition can be judged against the state before the batch (the caller's rule: interference.ts).
--
-- It runs as its owner, and nobody else may insert: whoever may append can make neither a hole nor a false time.
create function log.append(
  append_key            text[],
  append_fingerprint    bytea[],
  condition_append      integer[],
  condition_kind        text[],
  condition_id          text[],
  condition_revision    bigint[],
  condition_unsealed    boolean[],
  event_append          integer[],
  event_type            text[],
  event_kind            text[],
  event_id              text[],
  event_actor           text[],
  event_payload         bytea[],
  event_payload_digest  bytea[]
) returns table (
  append           integer,
  outcome          text,       -- appended | repeated | key-reused | revision-conflict | sealed
  first_sequence   bigint,     -- of this append, or of the first one with its key
  last_sequence    bigint,
  created_at       timestamptz,
  subject_kind     text,       -- whose condition failed
  subject_id       text,
  current_revision bigint,
  head             bigint      -- the log's last sequence when the batch was judged
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
-- One plan, whatever the size of the batch and of the log when it is made: tables are probed by index, once for each element (the laterals,
-- which know no other way), and all else is hashed or sorted. It is made once a session; planning took half of the time of a small append.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_nestloop = off
set jit = off
-- A batch holds some megabytes of payloads, which are sorted on their way in.
set work_mem = '32MB'
as $$
#variable_conflict use_column
declare
  head_sequence bigint := 0;
  head_time     timestamptz;
  batch_time    timestamptz;
  tail_sequence bigint;
begin
  -- Under a snapshot that was taken before the lock, max(sequence) would be stale.
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'log.append needs a READ COMMITTED transaction, this one is %', current_setting('transaction_isolation')
      using errcode = 'invalid_transaction_state';
  end if;

  -- An acknowledged event must survive a crash, whatever the caller's transaction was content with.
  if current_setting('synchronous_commit') = 'off' then
    perform set_config('synchronous_commit', 'on', true);
  end if;

  -- In its own statement: the next statement takes a new snapshot, which sees all that the lock's last holder committed. It is held until
  -- the commit is visible, so numbers become visible in order and a rollback leaves no hole.
  perform pg_advisory_xact_lock(7021810146);

  select e.sequence, e.created_at into head_sequence, head_time from log.events e order by e.sequence desc limit 1;
  head_sequence := coalesce(head_sequence, 0);
  batch_time := greatest(date_trunc('milliseconds', clock_timestamp()), head_time);

  if exists (
    select 1
      from (select append, kind, id, revision is not null as exclusive
              from unnest(condition_append, condition_kind, condition_id, condition_revision) as c(append, kind, id, revision)
            union all
            select append, kind, id, type like '%.finalized' or type like '%.discarded'
              from unnest(event_append, event_kind, event_id, event_type) as e(append, kind, id, type)) touched
     group by kind, id
    having min(append) <> max(append) and bool_or(exclusive)
  ) or exists (
    select 1 from unnest(append_key) as a(key) where key is not null group by key having count(*) > 1
  ) then
    raise exception 'two appends of one batch interfere' using errcode = 'invalid_parameter_value';
  end if;

  return query
  with
    batch as (
      select a.n::integer as append, a.key, a.fingerprint, known.fingerprint as known_fingerprint, known.first_sequence, known.last_sequence
        from unnest(append_key, append_fingerprint) with ordinality as a(key, fingerprint, n)
        left join lateral (
          select p.fingerprint, p.first_sequence, p.last_sequence from log.appends p where p.key = a.key limit 1) known on true
    ),
    event as (
      select e.*
        from unnest(event_append, event_type, event_kind, event_id, event_actor, event_payload, event_payload_digest) with ordinality
          as e(append, type, kind, id, actor, payload, payload_digest, n)
    ),
    condition as (
      select * from unnest(condition_append, condition_kind, condition_id, condition_revision, condition_unsealed)
          as c(append, kind, id, revision, unsealed)
      union all
      -- What seals a subject needs it unsealed, said or not.
      select append, kind, id, null, true from event where type like '%.finalized' or type like '%.discarded'
    ),
    subject as (
      select touched.kind, touched.id, coalesce(last.subject_revision, 0) as revision
        from (select kind, id from event union select kind, id from condition) touched
        left join lateral (
          select e.subject_revision from log.events e
           where e.subject_kind = touched.kind and e.subject_id = touched.id
           order by e.subject_revision desc limit 1) last on true
    ),
    refusal as (
      select distinct on (c.append) c.append, c.kind, c.id, s.revision as current_revision,
             case when c.unsealed and seal.found then 'sealed' else 'revision-conflict' end as reason
        from condition c
        join subject s using (kind, id)
        left join lateral (
          select true as found from log.events e
           where c.unsealed and e.subject_kind = c.kind and e.subject_id = c.id
             and (e.event_type like '%.finalized' or e.event_type like '%.discarded')
           limit 1) seal on true
       where c.revision <> s.revision or (c.unsealed and seal.found)
       order by c.append, reason desc, c.kind, c.id
    ),
    accepted as (
      select e.*, head_sequence + row_number() over (order by e.append, e.n) as sequence,
             s.revision + row_number() over (partition by e.kind, e.id order by e.append, e.n) as subject_revision
        from event e
        join batch b on b.append = e.append and b.first_sequence is null
        join subject s on s.kind = e.kind and s.id = e.id
       where not exists (select from refusal r where r.append = e.append)
    ),
    inserted as (
      insert into log.events (sequence, subject_revision, created_at, event_type, subject_kind, subject_id, actor, payload, payload_digest)
      select sequence, subject_revision, batch_time, type, kind, id, actor, payload, payload_digest from accepted order by sequence
    ),
    span as (
      select append, min(sequence) as first_sequence, max(sequence) as last_sequence from accepted group by append
    ),
    remembered as (
      insert into log.appends (key, fingerprint, first_sequence, last_sequence)
      select b.key, b.fingerprint, span.first_sequence, span.last_sequence from span join batch b using (append) where b.key is not null
    )
  select b.append,
         case when b.first_sequence is not null and b.fingerprint = b.known_fingerprint then 'repeated'
              when b.first_sequence is not null then 'key-reused'
              when r.append is not null then r.reason
              else 'appended' end,
         coalesce(b.first_sequence, span.first_sequence),
         coalesce(b.last_sequence, span.last_sequence),
         case when b.first_sequence is not null then (select e.created_at from log.events e where e.sequence = b.first_sequence)
              when span.append is not null then batch_time end,
         r.kind, r.id, r.current_revision, head_sequence
    from batch b
    left join span on span.append = b.append
    left join refusal r on r.append = b.append and b.first_sequence is null
   order by b.append;

  select e.sequence into tail_sequence from log.events e order by e.sequence desc limit 1;
  if tail_sequence > head_sequence then
    perform pg_notify('artifact_store_log', tail_sequence::text);
  end if;
end
$$;

revoke all on function log.append from public;
grant usage on schema log to log_writer, projector, gateway;
grant select on log.events, log.appends, log.readable_events to log_writer, projector, gateway;
grant execute on function log.append to log_writer;
