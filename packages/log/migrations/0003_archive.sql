-- The oldest part of the log moves to an archive: closed partitions are written to a blob store as immutable objects, "segments", proven there, and
-- taken out of the table. The reasons are in docs/adr/0019, the form of a segment in docs/ARCHIVE.md.

-- The segments that were proven, in the order of their events: from 1 on, without a gap, and none beyond the end of a partition.
create table log.segments (
  first_sequence bigint         primary key,
  last_sequence  bigint         not null unique check (last_sequence - first_sequence between 0 and 65535),
  -- BLAKE3 of the object: where it is, and what it must be.
  digest         bytea          not null check (octet_length(digest) = 32),
  bytes          bigint         not null check (bytes > 0),
  -- Of what is in it when it is decompressed: a reader makes room for so much and for no more.
  plain_bytes    bigint         not null check (plain_bytes > 0),
  -- Readers of some types, or of one subject, pass over the segments that have nothing for them.
  event_types    text[]         collate "C" not null,
  subject_filter bytea          not null check (octet_length(subject_filter) > 0 and octet_length(subject_filter) % 64 = 0),
  archived_at    timestamptz(3) not null default clock_timestamp()
);
-- Neither compressed nor in the row: a question about a subject reads the one block that it needs.
alter table log.segments alter column subject_filter set storage external;

create trigger segments_are_immutable before update or delete or truncate on log.segments
  for each statement execute function log.refuse_change();
alter table log.segments enable always trigger segments_are_immutable;

-- A partition is detached when all its events are in segments; its table is kept for a while, and then dropped. The row stays, as the ranges of
-- partitions follow each other without a gap.
alter table log.partitions
  add column detached_at timestamptz(3),
  add column dropped_at  timestamptz(3),
  -- Was attached again, and is not to be detached by itself any more.
  add column stays       boolean not null default false,
  add constraint partitions_detached_are_closed check (detached_at is null or (carried_to = last_sequence and not keeps_keys)),
  add constraint partitions_dropped_are_detached check (dropped_at is null or detached_at is not null);

-- A Bloom filter in blocks of 512 bits. A subject belongs to one block and has six bits there, all by its hash: no answer is wrong that says no.
create function log.subject_hash(kind text, id text) returns bytea language sql immutable strict parallel safe
return sha256(convert_to(kind || E'\n' || id, 'UTF8'));

create function log.filter_may_hold(filter bytea, hash bytea) returns boolean language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  place bigint := (get_byte(hash, 0) * 65536 + get_byte(hash, 1) * 256 + get_byte(hash, 2)) % (octet_length(filter) / 64);
  block bytea  := substring(filter from (1 + 64 * place)::integer for 64);
begin
  for n in 0..5 loop
    if get_bit(block, (get_byte(hash, 3 + 2 * n) * 256 + get_byte(hash, 4 + 2 * n)) % 512) = 0 then
      return false;
    end if;
  end loop;
  return true;
end
$$;

-- An event as a line of a segment (docs/ARCHIVE.md): what the log-writer writes, told a second time, so that neither has to be believed.
create function log.segment_line(e log.events) returns text language sql stable
as $$
  select '{"sequence":' || e.sequence || ',"eventType":' || to_json(e.event_type) || ',"subjectKind":' || to_json(e.subject_kind)
    || ',"subjectId":' || to_json(e.subject_id) || ',"subjectRevision":' || e.subject_revision || ',"actor":' || to_json(e.actor)
    || ',"createdAt":"' || to_char(e.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
    || '","payloadDigest":"blake3:' || encode(e.payload_digest, 'hex') || '"'
    || coalesce(',"appendKey":"' || e.append_key || '","appendEvents":' || e.append_events, '')
    || case when position('\x0a'::bytea in e.payload) = 0 then ',"payload":' || convert_from(e.payload, 'UTF8')
            else ',"payloadText":' || to_json(convert_from(e.payload, 'UTF8')) end
    || E'}\n'
$$;

-- Records a segment that the log-writer has written and read again. `lines_sha256` is the SHA-256 of the events' lines as they were read again: it
-- must be that of what the table holds, and no subject may be missing in the filter. Answers false when the range is recorded already.
create function log.record_segment(
  first_event bigint, last_event bigint, digest bytea, bytes bigint, plain_bytes bigint, lines_sha256 bytea, subject_filter bytea
) returns boolean language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  home        log.partitions;
  archived_to bigint;
  held        bigint;
  held_sha256 bytea;
  held_types  text[];
begin
  -- Whoever is second waits for the first one here, and the next query sees what that has done.
  select p.* into home from log.partitions p where first_event between p.first_sequence and p.last_sequence for update;
  archived_to := coalesce((select max(s.last_sequence) from log.segments s), 0);
  if first_event <= archived_to then
    return false;
  end if;
  if first_event <> archived_to + 1 then
    raise exception 'segments follow each other without a gap: the next one begins at %, not at %', archived_to + 1, first_event
      using errcode = 'invalid_parameter_value';
  end if;
  if home is null or last_event > home.last_sequence then
    raise exception 'events % to % are not all in one partition', first_event, last_event using errcode = 'invalid_parameter_value';
  end if;
  if home.detached_at is not null or home.keeps_keys or home.carried_to < home.last_sequence then
    raise exception 'the partition from % on is not archived: it is open, or the keys of its appends are remembered', home.first_sequence
      using errcode = 'object_not_in_prerequisite_state';
  end if;

  select count(*), sha256(convert_to(string_agg(log.segment_line(e), '' order by e.sequence), 'UTF8')), array_agg(distinct e.event_type)
    into held, held_sha256, held_types
    from log.events e where e.sequence between first_event and last_event;
  if held <> last_event - first_event + 1 or held_sha256 is distinct from lines_sha256 then
    raise exception 'the segment of events % to % does not say what the log says', first_event, last_event using errcode = 'data_exception';
  end if;
  if exists (
    select from (select distinct e.subject_kind, e.subject_id from log.events e where e.sequence between first_event and last_event) s
     where not log.filter_may_hold(subject_filter, log.subject_hash(s.subject_kind, s.subject_id))
  ) then
    raise exception 'the filter of events % to % leaves a subject out', first_event, last_event using errcode = 'data_exception';
  end if;

  insert into log.segments (first_sequence, last_sequence, digest, bytes, plain_bytes, event_types, subject_filter)
  values (first_event, last_event, digest, bytes, plain_bytes, held_types, subject_filter);
  return true;
end
$$;

-- Takes a partition out of the table, all of whose events are in segments: the oldest that is in it. Answers false where that would make others
-- wait: while any transaction that has read the log is open.
create function log.detach_partition(partition bigint) returns boolean language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '5s'
as $$
declare
  oldest log.partitions;
  done   boolean;
begin
  select p.* into oldest from log.partitions p where p.detached_at is null order by p.first_sequence limit 1 for update;
  if oldest.first_sequence is distinct from partition then
    raise exception 'partitions are detached in their order, and the next one is that from % on', oldest.first_sequence
      using errcode = 'object_not_in_prerequisite_state';
  end if;
  if oldest.stays or oldest.last_sequence > coalesce((select max(s.last_sequence) from log.segments s), 0) then
    raise exception 'the partition from % on is not to be detached: not all its events are archived, or it was attached again to stay', partition
      using errcode = 'object_not_in_prerequisite_state';
  end if;
  -- With the lock of appends no append is under way, and the next ones wait here, not behind a lock on the table. So it is readers alone that the
  -- table has to be had from, and everyone waits for so long at most.
  done := pg_advisory_xact_lock(7021810146) is null;
  done := set_config('lock_timeout', '100ms', true) is null;
  execute format('alter table log.events detach partition log.%I', 'events_' || partition);
  update log.partitions set detached_at = clock_timestamp() where first_sequence = partition;
  return true;
exception when lock_not_available then
  return false;
end
$$;

-- Drops the table of a partition that was detached so long ago: the oldest that is kept.
create function log.drop_partition(partition bigint, detached_for interval) returns void language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  oldest log.partitions;
begin
  select p.* into oldest from log.partitions p where p.dropped_at is null order by p.first_sequence limit 1 for update;
  if oldest.first_sequence is distinct from partition or oldest.detached_at is null
     or oldest.detached_at > clock_timestamp() - detached_for then
    raise exception 'the partition from % on is not to be dropped: it is not the oldest that is kept, or was not detached so long ago', partition
      using errcode = 'object_not_in_prerequisite_state';
  end if;
  execute format('drop table log.%I', 'events_' || partition);
  update log.partitions set dropped_at = clock_timestamp() where first_sequence = partition;
end
$$;

-- The way back, for the owner of the schema alone: puts the newest detached partition into the table again, where it then stays. Its events are read
-- once to see that they are in its range.
create function log.attach_partition(partition bigint) returns void language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  newest log.partitions;
begin
  select p.* into newest from log.partitions p where p.detached_at is not null order by p.first_sequence desc limit 1 for update;
  if newest.first_sequence is distinct from partition or newest.dropped_at is not null then
    raise exception 'the partition from % on is not to be attached: it is not the newest that was detached, or its table was dropped', partition
      using errcode = 'object_not_in_prerequisite_state';
  end if;
  execute format('alter table log.events attach partition log.%I for values from (%s) to (%s)', 'events_' || partition, partition, newest.last_sequence + 1);
  update log.partitions set detached_at = null, stays = true where first_sequence = partition;
end
$$;

-- Forgets the keys of the appends in the oldest closed partition that has some, if its events are all older than that: a repeat of such an append would
-- not be known. Answers whether it did, and so whether to ask again. One at a time: whoever reads has some partitions and waits for others, so nobody
-- should have one to himself and wait for another. And like detaching, it makes nobody wait for long.
drop function log.forget_keys(interval);
create function log.forget_keys(older_than interval) returns boolean language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '5s'
as $$
declare
  first bigint;
  done  boolean;
begin
  select p.first_sequence into first from log.partitions p
   where p.keeps_keys and p.carried_to = p.last_sequence
     and (select e.created_at from log.events e where e.sequence = p.last_sequence) < clock_timestamp() - older_than
   order by p.first_sequence limit 1 for update;
  if not found then
    return false;
  end if;
  done := pg_advisory_xact_lock(7021810146) is null;
  done := set_config('lock_timeout', '100ms', true) is null;
  execute format('drop index log.%I', 'events_' || first || '_key');
  update log.partitions set keeps_keys = false where first_sequence = first;
  return true;
exception when lock_not_available then
  return false;
end
$$;

revoke all on function log.forget_keys, log.subject_hash, log.filter_may_hold, log.segment_line, log.record_segment, log.detach_partition, log.drop_partition,
  log.attach_partition from public;
grant select on log.segments to log_writer, projector, gateway;
grant execute on function log.subject_hash, log.filter_may_hold to log_writer, projector, gateway;
grant execute on function log.forget_keys, log.record_segment, log.detach_partition, log.drop_partition to log_writer;
