-- Accounts own what there is; keys have roles; connections are kept sealed, and so
-- is what is secret in documents and deliveries. A delivery may hold up those
-- behind it (uploads, emails), and says what became of it.

-- +goose Up
CREATE TABLE new_project (
  id               TEXT PRIMARY KEY,
  account          TEXT NOT NULL, -- '' is the default account
  status           TEXT NOT NULL CHECK (status IN ('pending', 'running', 'done', 'error')),
  message          TEXT NOT NULL,
  movie_id         TEXT NOT NULL,
  file_key         TEXT NOT NULL,
  starts           INTEGER NOT NULL CHECK (starts >= 0),
  result_file      TEXT NOT NULL,
  result_sha256    TEXT NOT NULL, -- '' when it was not taken
  result_thumbnail TEXT NOT NULL,
  result_duration  REAL NOT NULL,
  result_size      INTEGER NOT NULL,
  result_width     INTEGER NOT NULL,
  result_height    INTEGER NOT NULL,
  created_at       INTEGER NOT NULL,
  started_at       INTEGER,
  ended_at         INTEGER,
  deleted_at       INTEGER,
  warnings         TEXT NOT NULL, -- JSON: shown whole, never searched
  client_data      BLOB NOT NULL, -- the client's bytes, not to be spelled anew
  sealed           BLOB NOT NULL, -- what was taken out of source, sealed
  source           BLOB NOT NULL
) STRICT;

INSERT INTO new_project SELECT id, '', status, message, movie_id, file_key, starts, result_file, '', '', result_duration, result_size,
  result_width, result_height, created_at, started_at, ended_at, deleted_at, warnings, client_data, x'', source FROM project;

-- What refers to projects stands aside while their table is replaced.
CREATE TABLE old_destination AS SELECT * FROM destination;
CREATE TABLE old_idempotency AS SELECT * FROM idempotency;
DROP TABLE destination;
DROP TABLE idempotency;
DROP TABLE project;
ALTER TABLE new_project RENAME TO project;

-- The list pages through this order; the id decides between equal times.
CREATE INDEX project_created ON project (account, created_at, id);

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
  receipt     TEXT NOT NULL, -- JSON of project.Receipt, '' for none
  PRIMARY KEY (project, export, position)
) STRICT, WITHOUT ROWID;
INSERT INTO destination SELECT *, '' FROM old_destination;
DROP TABLE old_destination;

CREATE TABLE idempotency (
  key        TEXT PRIMARY KEY,
  body_hash  BLOB NOT NULL,
  project    TEXT NOT NULL REFERENCES project (id),
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO idempotency SELECT * FROM old_idempotency;
DROP TABLE old_idempotency;
CREATE INDEX idempotency_created ON idempotency (created_at);

CREATE TABLE new_delivery (
  id           TEXT PRIMARY KEY,
  message_id   TEXT NOT NULL, -- '' is msg_ and what stands behind dlv_ in the id
  account      TEXT NOT NULL,
  project      TEXT NOT NULL, -- '' for tests and operator events
  export       INTEGER NOT NULL,
  position     INTEGER NOT NULL,
  main         INTEGER NOT NULL, -- its state is its destination's
  ordered      INTEGER NOT NULL, -- those behind it wait until it has ended
  type         TEXT NOT NULL,
  event        TEXT NOT NULL,
  exported     TEXT NOT NULL, -- how those before it fared: complete, partial or ''
  connection   TEXT NOT NULL, -- '' for none
  target       TEXT NOT NULL, -- as it may be shown, when there is something sealed
  grp          TEXT NOT NULL, -- '' is the origin of target
  endpoint     TEXT NOT NULL, -- '' is neither counted nor held
  content_type TEXT NOT NULL, -- 'json' for short
  headers      TEXT NOT NULL, -- JSON object, '' for none; of old deliveries, now sealed
  timeout      INTEGER NOT NULL, -- nanoseconds
  schedule     TEXT NOT NULL,    -- seconds with commas between, or 'usual'
  deadline     INTEGER, -- when no other attempt begins, NULL for never
  droppable    INTEGER NOT NULL,
  remaining    INTEGER NOT NULL,
  state        TEXT NOT NULL CHECK (state IN ('pending', 'retrying', 'unknown', 'held', 'delivered', 'failed', 'cancelled')),
  attempts     INTEGER NOT NULL, -- closed ones; an open one is number attempts + 1
  failures     INTEGER NOT NULL,
  last_status  INTEGER NOT NULL,
  message      TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  next_at      INTEGER,
  receipt      TEXT NOT NULL, -- JSON of project.Receipt, '' for none
  sealed       BLOB NOT NULL, -- the whole target and the headers, sealed
  body         BLOB NOT NULL
) STRICT;

INSERT INTO new_delivery SELECT id, message_id, '', project, export, position, main, 0, type, event, '', '', target, grp, endpoint,
  content_type, headers, timeout, schedule, NULL, droppable, remaining, state, attempts, failures, last_status, message, created_at, next_at,
  '', x'', body FROM delivery;
DROP TABLE delivery;
ALTER TABLE new_delivery RENAME TO delivery;

CREATE INDEX delivery_project ON delivery (project);
CREATE INDEX delivery_endpoint ON delivery (endpoint, id);
CREATE INDEX delivery_state ON delivery (state, id) WHERE state NOT IN ('pending', 'delivered');
CREATE INDEX delivery_trouble ON delivery (endpoint, state, id) WHERE state NOT IN ('pending', 'delivered');
-- Those of the default account are most, and found without.
CREATE INDEX delivery_account ON delivery (account, id) WHERE account <> '';

ALTER TABLE endpoint ADD COLUMN account TEXT NOT NULL DEFAULT '';

-- Whose key it is: '' for the server's own and the default account.
ALTER TABLE signing_key ADD COLUMN account TEXT NOT NULL DEFAULT '';

CREATE TABLE new_api_key (
  id         TEXT PRIMARY KEY,
  hash       BLOB NOT NULL UNIQUE, -- SHA-256: the key itself is not kept
  account    TEXT NOT NULL,
  role       TEXT NOT NULL CHECK (role IN ('viewer', 'render', 'editor', 'manager', 'admin')),
  name       TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO new_api_key SELECT 'key_' || lower(substr(hex(hash), 1, 16)), hash, '', 'admin', '', created_at, NULL FROM api_key;
DROP TABLE api_key;
ALTER TABLE new_api_key RENAME TO api_key;

CREATE TABLE connection (
  account    TEXT NOT NULL,
  id         TEXT NOT NULL,
  type       TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  shown      TEXT NOT NULL, -- JSON object of the settings that are no secrets
  sealed     BLOB NOT NULL, -- those that are, sealed
  PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;

-- Keys of SSH servers that were trusted at first sight.
CREATE TABLE host_key (
  address     TEXT PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  first_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
