-- The registry views: what the log says, arranged for reading. Every row here can be dropped and made again from log.events.
-- Text that is ordered or compared by bytes is collated "C", so that an order never depends on the machine's locale.

create schema views;

-- How far each projection has come. It changes in the transaction that changes the rows, so every event is applied exactly once.
create table views.checkpoints (
  projection text   primary key,
  position   bigint not null check (position >= 0)
);

create table views.artifact_packages (
  package_id       uuid           primary key,
  name             text           collate "C" not null,
  version          text           collate "C",
  kind             text           collate "C" not null,
  producer         text,
  labels           jsonb          not null,
  inputs           jsonb          not null,
  state            text           not null,
  revision         bigint         not null,
  created_at       timestamptz(3) not null,
  created_by       text           not null,
  created_sequence bigint         not null,
  updated_at       timestamptz(3) not null,
  file_count       bigint         not null,
  total_size       bigint         not null,
  finalized_at     timestamptz(3),
  manifest_digest  text,
  manifest_sha256  text,
  manifest_size    bigint,
  config_digest    text,
  config_sha256    text,
  config_size      bigint,
  closing_reason   text
);
create unique index artifact_packages_newest on views.artifact_packages (created_sequence desc);
create index artifact_packages_name on views.artifact_packages (name, created_sequence desc);
create index artifact_packages_kind on views.artifact_packages (kind, created_sequence desc);
create index artifact_packages_state on views.artifact_packages (state, created_sequence desc);
create index artifact_packages_labels on views.artifact_packages using gin (labels jsonb_path_ops);

create table views.package_files (
  package_id     uuid   not null,
  path           text   collate "C" not null,
  digest         text   collate "C" not null,
  sha256         text   collate "C" not null,
  size           bigint not null,
  media_type     text   not null,
  added_sequence bigint not null,
  primary key (package_id, path)
);
create index package_files_digest on views.package_files (digest);

create table views.retention_state (
  package_id      uuid           primary key,
  retention_class text           not null,
  expires_at      timestamptz(3),
  holds           jsonb          not null
);

create table views.blobs (
  digest          text           collate "C" primary key,
  sha256          text           collate "C" not null,
  size            bigint         not null,
  state           text           not null,
  revision        bigint         not null,
  stored_at       timestamptz(3) not null,
  checked_at      timestamptz(3),
  fixity          text           not null
);
create index blobs_sha256 on views.blobs (sha256);

create table views.access_tokens (
  token_id      text           collate "C" primary key,
  secret_digest text           collate "C" not null,
  actor         text           not null,
  scopes        jsonb          not null,
  description   text,
  revision      bigint         not null,
  issued_at     timestamptz(3) not null,
  issued_by     text           not null,
  expires_at    timestamptz(3),
  revoked_at    timestamptz(3)
);
create unique index access_tokens_secret on views.access_tokens (secret_digest);

grant usage on schema views to projector, gateway;
grant select, insert, update, delete on all tables in schema views to projector;
grant select on all tables in schema views to gateway;
