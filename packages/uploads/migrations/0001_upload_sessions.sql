-- Uploads that arrive in pieces (docs/adr/0021): what is durable of each, and who may write to it. This is neither log nor view: it is the
-- gateways' own, it says nothing that outlives an upload, and losing all of it loses unfinished uploads and nothing else.

create schema uploads;

create table uploads.sessions (
  upload_id   uuid           primary key,
  actor       text           not null,
  -- `part`: of a concatenation, never a blob by itself; `final`: made of parts.
  role        text           not null check (role in ('whole', 'part', 'final')),
  -- receiving, then received (all bytes are durable), then completed (the log has it, where it is for the log), or failed for good.
  phase       text           not null default 'receiving' check (phase in ('receiving', 'received', 'completed', 'failed')),
  -- Null while the client has not said it.
  length      bigint         check (length >= 0),
  -- How many bytes are durable, where the backend has them, and the state of the hash after them: these three change together.
  size        bigint         not null default 0 check (size >= 0),
  place       jsonb,
  hashed      bytea,
  -- Upload-Metadata as it was sent.
  metadata    text           not null,
  -- The digests that it must have.
  expected    text[]         not null,
  media_type  text           not null,
  -- Where it goes when it is complete.
  package_id  uuid,
  path        text           collate "C",
  parts       uuid[],
  -- What it turned out to be.
  digest      text,
  sha256      text,
  -- Why it failed.
  problem     jsonb,
  -- Who may write, and when that one last got anywhere. Both are null when it ended as it should.
  writer      uuid,
  writer_seen timestamptz,
  created_at  timestamptz(3) not null default clock_timestamp(),
  expires_at  timestamptz(3) not null,
  check (length is null or size <= length),
  check ((package_id is null) = (path is null)),
  check ((parts is null) = (role <> 'final')),
  check ((writer is null) = (writer_seen is null))
);
create index sessions_of_actor on uploads.sessions (actor, upload_id);
create index sessions_expire on uploads.sessions (expires_at);

grant usage on schema uploads to gateway;
grant select, insert, update, delete on uploads.sessions to gateway;
