-- Times are nanoseconds since 1970, UTC: they sort as the dispatcher in memory
-- sorts them. NULL is a time that has not come. Big columns stand last in their
-- table, so that reading the others does not walk through them.

-- +goose Up
CREATE TABLE project (
  id              TEXT PRIMARY KEY,
  status          TEXT NOT NULL CHECK (status IN ('pending', 'running', 'done', 'error')),
  message         TEXT NOT NULL,
  movie_id        TEXT NOT NULL,
  file_key        TEXT NOT NULL,
  starts          INTEGER NOT NULL CHECK (starts >= 0),
  result_file     TEXT NOT NULL,
  result_duration REAL NOT NULL,
  result_size     INTEGER NOT NULL,
  result_width    INTEGER NOT NULL,
  result_height   INTEGER NOT NULL,
  created_at      INTEGER NOT NULL,
  started_at      INTEGER,
  ended_at        INTEGER,
  deleted_at      INTEGER,
  warnings        TEXT NOT NULL, -- JSON: shown whole, never searched
  client_data     BLOB NOT NULL, -- the client's bytes, not to be spelled anew
  source          BLOB NOT NULL
) STRICT;

-- The list pages through this order; the id decides between equal times.
CREATE INDEX project_created ON project (created_at, id);

-- The key is the order of the pipeline, and always read by project.
CREATE TABLE destination (
  project     TEXT NOT NULL REFERENCES project (id),
  export      INTEGER NOT NULL,
  position    INTEGER NOT NULL,
  type        TEXT NOT NULL,
  status      TEXT NOT NULL,
  attempts    INTEGER NOT NULL,
  last_status INTEGER NOT NULL,
  message     TEXT NOT NULL,
  delivery    TEXT NOT NULL, -- '' before it has one
  PRIMARY KEY (project, export, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE delivery (
  id           TEXT PRIMARY KEY,
  message_id   TEXT NOT NULL UNIQUE, -- a receiver drops a second one as a double
  project      TEXT NOT NULL REFERENCES project (id),
  export       INTEGER NOT NULL,
  position     INTEGER NOT NULL,
  type         TEXT NOT NULL,
  event        TEXT NOT NULL,
  target       TEXT NOT NULL,
  grp          TEXT NOT NULL, -- "group" is a word of SQL
  content_type TEXT NOT NULL,
  timeout      INTEGER NOT NULL, -- nanoseconds
  schedule     TEXT NOT NULL,    -- JSON array of nanoseconds
  remaining    INTEGER NOT NULL,
  state        TEXT NOT NULL CHECK (state IN ('pending', 'running', 'retrying', 'delivered', 'failed')),
  attempts     INTEGER NOT NULL,
  failures     INTEGER NOT NULL,
  last_status  INTEGER NOT NULL,
  message      TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  next_at      INTEGER,
  body         BLOB NOT NULL
) STRICT;

CREATE INDEX delivery_project ON delivery (project);

CREATE TABLE attempt (
  delivery    TEXT NOT NULL REFERENCES delivery (id),
  number      INTEGER NOT NULL,
  started_at  INTEGER NOT NULL,
  ended_at    INTEGER,
  result      TEXT NOT NULL CHECK (result IN ('open', 'succeeded', 'failed', 'unknown')),
  status      INTEGER NOT NULL,
  class       TEXT NOT NULL,
  error       TEXT NOT NULL,
  cut         INTEGER NOT NULL,
  retry_after INTEGER NOT NULL, -- nanoseconds
  gone        INTEGER NOT NULL,
  answer      BLOB NOT NULL,
  PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;

-- A row is here exactly as long as its work is unfinished.
CREATE TABLE job (
  -- AUTOINCREMENT, so that an id never comes twice: the dispatcher may still
  -- finish by its id a job that is gone, and must not hit a younger one.
  id     INTEGER PRIMARY KEY AUTOINCREMENT,
  kind   TEXT NOT NULL,
  key    TEXT NOT NULL,
  grp    TEXT NOT NULL,
  run_at INTEGER NOT NULL,
  faults INTEGER NOT NULL,
  UNIQUE (kind, key)
) STRICT;

CREATE INDEX job_due ON job (kind, run_at, id);

CREATE TABLE idempotency (
  key        TEXT PRIMARY KEY,
  body_hash  BLOB NOT NULL,
  project    TEXT NOT NULL REFERENCES project (id),
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Old keys are purged by age.
CREATE INDEX idempotency_created ON idempotency (created_at);

CREATE TABLE api_key (
  hash       BLOB PRIMARY KEY, -- SHA-256: the key itself is not kept
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row that the readiness check writes: an empty transaction commits also on
-- a full or read-only disk. The number changes each time, so that a page is
-- really written.
CREATE TABLE health (
  id     INTEGER PRIMARY KEY CHECK (id = 1),
  writes INTEGER NOT NULL
) STRICT;

-- Kept as it is: a signature cannot be made with a hash.
CREATE TABLE secret (
  name       TEXT PRIMARY KEY,
  value      TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
