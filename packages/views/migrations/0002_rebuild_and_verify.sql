-- Making the views anew beside the live ones and comparing the live ones with a fresh replay (docs/adr/0012).
--
-- Three schemas may stand beside `views`, each with the same tables: `views_next` is what a rebuild fills, `views_previous` what was live
-- before the last swap and is kept until told, `views_scratch` what a verification fills. No process may make, rename or drop a schema: the
-- functions below do it as their owner, and only what their names say. The live tables are written by nobody but the projector, as before.

-- What `migrate --fresh` leaves of an earlier life.
drop schema if exists views_admin, views_next, views_previous, views_scratch cascade;

create schema views_admin;

-- What was asked for: the work of one projector, at most one thing at a time. It stands here so that it outlives every process.
create table views_admin.tasks (
  id            bigint         generated always as identity primary key,
  kind          text           not null check (kind in ('rebuild', 'verification')),
  phase         text           not null default 'waiting'
    check (phase in ('waiting', 'building', 'swapping', 'replaying', 'comparing', 'done', 'failed', 'discarded')),
  requested_by  text           not null,
  requested_at  timestamptz(3) not null default clock_timestamp(),
  finished_at   timestamptz(3),
  -- Where the new views took over, or where the live ones were compared.
  position      bigint,
  -- The last migration of the views when the copy was made.
  views_version integer,
  -- What a verification found.
  result        jsonb,
  error         text,
  check ((finished_at is null) = (phase not in ('done', 'failed', 'discarded')))
);
create unique index tasks_one_at_a_time on views_admin.tasks ((true)) where finished_at is null;

-- SQLSTATEs of their own, for the code that runs a task.
--   VT001  the task is not under way (any more)
--   VT002  the views were migrated since the copy was made: begin again
--   VT003  the new views are behind the live ones: catch up first

create function views_admin.views_version() returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  -- The lock of those who migrate. Nobody waits here: a migration may take long.
  if not pg_try_advisory_xact_lock_shared(7021810147) then
    raise exception 'the database is being migrated' using errcode = 'lock_not_available';
  end if;
  return (select max(version) from public.schema_migrations where component = 'views');
end
$$;

-- Repeats the grants of one thing on another, for everybody but the owner.
create function views_admin.copy_grants(acl aclitem[], owner oid, on_what text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  held record;
begin
  for held in select privilege_type as privilege, grantee from aclexplode(acl) where grantee <> owner loop
    execute format('grant %s on %s to %s', held.privilege, on_what,
                   case held.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(held.grantee)) end);
  end loop;
end
$$;

-- Makes a schema with the tables of the live views, their keys and grants. Other indexes come when the rows are in.
create function views_admin.make_copy(target text, persistence text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  original record;
  unique_key record;
  copy text;
begin
  execute format('create schema %I', target);
  select n.nspacl, n.nspowner into original from pg_namespace n where n.nspname = 'views';
  perform views_admin.copy_grants(original.nspacl, original.nspowner, format('schema %I', target));
  for original in
    select c.oid, c.relname, c.reloptions, c.relacl, c.relowner from pg_class c
     where c.relnamespace = 'views'::regnamespace and c.relkind = 'r' order by c.relname
  loop
    copy := format('%I.%I', target, original.relname);
    execute format('create %s table %s (like views.%I including all excluding indexes) %s', persistence, copy, original.relname,
                   'with (' || array_to_string(original.reloptions, ', ') || ')');
    for unique_key in
      select k.conname as name, pg_get_constraintdef(k.oid) as definition from pg_constraint k
       where k.conrelid = original.oid and k.contype in ('p', 'u', 'x')
    loop
      execute format('alter table %s add constraint %I %s', copy, unique_key.name, unique_key.definition);
    end loop;
    perform views_admin.copy_grants(original.relacl, original.relowner, 'table ' || copy);
  end loop;
end
$$;

-- The task that is to be worked on, if there is one. Where there is none, it drops what one that was given up has left behind.
create function views_admin.next_task() returns setof views_admin.tasks
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '1s' as $$
begin
  if (to_regnamespace('views_next') is not null or to_regnamespace('views_scratch') is not null)
     and not exists (select from views_admin.tasks where finished_at is null) then
    lock table views_admin.tasks in share row exclusive mode;
    if not exists (select from views_admin.tasks where finished_at is null) then
      drop schema if exists views_next, views_scratch cascade;
    end if;
  end if;
  return query select * from views_admin.tasks where finished_at is null;
end
$$;

-- Makes what the task fills, anew unless it is there already and of the present shape: so a task that was interrupted goes on.
create function views_admin.begin_task(task bigint) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  wanted views_admin.tasks;
  target text;
  version integer := views_admin.views_version();
begin
  -- Against next_task, which drops what belongs to no task.
  lock table views_admin.tasks in share row exclusive mode;
  select * into wanted from views_admin.tasks where id = task and finished_at is null;
  if not found then
    raise exception 'task % is not under way', task using errcode = 'VT001';
  end if;
  target := case wanted.kind when 'rebuild' then 'views_next' else 'views_scratch' end;
  if wanted.phase <> 'waiting' and wanted.views_version = version and to_regnamespace(target) is not null then
    return;
  end if;
  execute format('drop schema if exists %I cascade', target);
  perform views_admin.make_copy(target, case wanted.kind when 'rebuild' then '' else 'unlogged' end);
  update views_admin.tasks
     set views_version = version, phase = case kind when 'rebuild' then 'building' else 'replaying' end
   where id = task;
end
$$;

-- Gives the filled tables the other indexes of the live ones, under the same names, and statistics, so that the first query after the
-- swap is planned as well as the last one before it.
create function views_admin.finish_building(task bigint) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  original record;
begin
  for original in
    select t.relname as table_name, pg_get_indexdef(x.indexrelid) as definition
      from pg_index x join pg_class t on t.oid = x.indrelid join pg_class i on i.oid = x.indexrelid
     where t.relnamespace = 'views'::regnamespace and t.relkind = 'r'
       and not exists (select from pg_constraint k where k.conindid = x.indexrelid and k.contype in ('p', 'u', 'x'))
       and to_regclass(format('views_next.%I', i.relname)) is null
     order by i.relname
  loop
    execute replace(original.definition, format(' ON views.%I USING ', original.table_name),
                    format(' ON views_next.%I USING ', original.table_name));
  end loop;
  for original in
    select relname as table_name from pg_class where relnamespace = 'views_next'::regnamespace and relkind = 'r'
  loop
    execute format('analyze views_next.%I', original.table_name);
  end loop;
  update views_admin.tasks set phase = 'swapping' where id = task and phase in ('building', 'swapping');
  if not found then
    raise exception 'task % is not under way', task using errcode = 'VT001';
  end if;
end
$$;

-- Puts the new views into the place of the live ones, and keeps those. To be called in a transaction that has the live writer stand still
-- (it holds views.checkpoints in share row exclusive mode), so that the new ones can be at least where the live ones are.
--
-- A rename locks no table, and alone it would be wrong: a reader who has planned a statement on an old table, or reads several tables in one
-- snapshot (pg_dump), could see some of them old and some new. Under the exclusive lock there is no such reader, and whoever comes waits, is
-- told by the lock that the name means another table now, and plans anew.
--
-- Others queue behind who waits for such a lock, and one of them may already have what the swap still waits for. So the caller bounds the whole of
-- it by a `statement_timeout` well below `deadlock_timeout`, after which the server would choose a reader to fail. It ends with the swap: the
-- commit, which belongs into the same message, may take its time.
create function views_admin.swap(task bigint) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  known_version integer;
  is_behind boolean;
  reached bigint;
begin
  select views_version into known_version from views_admin.tasks where id = task and phase = 'swapping' for update;
  if not found then
    raise exception 'task % is not under way', task using errcode = 'VT001';
  end if;
  if known_version is distinct from views_admin.views_version() then
    raise exception 'the views were migrated while they were rebuilt' using errcode = 'VT002';
  end if;
  -- The checkpoints first, as who reads several tables begins there: nobody then waits for a table while the swap waits for them.
  execute (select format('lock table %s in access exclusive mode',
                         string_agg(format('views.%I', relname), ', ' order by relname <> 'checkpoints', relname))
             from pg_class where relnamespace = 'views'::regnamespace and relkind = 'r');
  execute 'select coalesce(bool_or(l.position > coalesce(n.position, 0)), false)
             from views.checkpoints l left join views_next.checkpoints n using (projection)' into is_behind;
  if is_behind then
    raise exception 'the new views are behind the live ones' using errcode = 'VT003';
  end if;
  alter schema views rename to views_previous;
  alter schema views_next rename to views;
  execute 'select coalesce(max(position), 0) from views.checkpoints' into reached;
  update views_admin.tasks set phase = 'done', finished_at = clock_timestamp(), position = reached where id = task;
  perform pg_notify('artifact_store_views', reached::text);
  perform set_config('statement_timeout', '0', true);
end
$$;

create function views_admin.begin_comparing(task bigint) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update views_admin.tasks set phase = 'comparing' where id = task and phase in ('replaying', 'comparing');
  if not found then
    raise exception 'task % is not under way', task using errcode = 'VT001';
  end if;
end
$$;

create function views_admin.finish_verification(task bigint, compared_at bigint, findings jsonb) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update views_admin.tasks set phase = 'done', finished_at = clock_timestamp(), position = compared_at, result = findings
   where id = task and phase = 'comparing';
  if not found then
    raise exception 'task % is not under way', task using errcode = 'VT001';
  end if;
end
$$;

create function views_admin.fail_task(task bigint, reason text) returns void
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
  update views_admin.tasks set phase = 'failed', finished_at = clock_timestamp(), error = reason where id = task and finished_at is null;
end;

-- Asks for a task. Answers its id; without one, why not: 'previous-kept', or 'busy' and with what.
create function views_admin.request_task(task_kind text, actor text) returns table (id bigint, refusal text, other bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  if task_kind = 'rebuild' and to_regnamespace('views_previous') is not null then
    return query select null::bigint, 'previous-kept', null::bigint;
    return;
  end if;
  return query insert into views_admin.tasks as t (kind, requested_by) values (task_kind, actor)
    on conflict do nothing returning t.id, null, null::bigint;
  if not found then
    return query select null::bigint, 'busy', (select t.id from views_admin.tasks t where t.finished_at is null);
  end if;
end
$$;

-- Gives a task up; whoever works on it notices. The live views are as they were.
create function views_admin.discard_task(task bigint) returns void
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
  update views_admin.tasks set phase = 'discarded', finished_at = clock_timestamp() where id = task and finished_at is null;
end;

create function views_admin.drop_previous() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
begin
  drop schema if exists views_previous cascade;
end
$$;

-- The position of the views in that schema; null where there are none.
create function views_admin.position_of(target text) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  reached bigint;
begin
  if target in ('views_next', 'views_previous', 'views_scratch') then
    execute format('select coalesce(max(position), 0) from %I.checkpoints', target) into reached;
  end if;
  return reached;
exception when undefined_table or invalid_schema_name then
  return null;
end
$$;

-- Whether a process works on the task that is under way: it holds the lock of those who do (service/leadership.ts).
create function views_admin.is_worked_on() returns boolean
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
  select exists (
    select from pg_locks l join pg_database d on d.oid = l.database and d.datname = current_database()
     where l.locktype = 'advisory' and l.granted and l.objsubid = 1
       and l.classid::bigint = 7021810152 >> 32 and l.objid::bigint = 7021810152 & 4294967295);
end;

revoke all on all functions in schema views_admin from public;
grant usage on schema views_admin to projector, gateway;
grant select on views_admin.tasks to projector, gateway;
grant execute on function views_admin.next_task, views_admin.begin_task, views_admin.finish_building, views_admin.swap,
  views_admin.begin_comparing, views_admin.finish_verification, views_admin.fail_task to projector;
-- The gateway passes on what an administrator asks for. Neither of these touches the live views.
grant execute on function views_admin.request_task, views_admin.discard_task, views_admin.drop_previous to gateway;
grant execute on function views_admin.position_of, views_admin.is_worked_on to projector, gateway;
