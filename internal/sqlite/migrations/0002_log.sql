-- The log of deliveries becomes one that can be read, acted upon and cleaned:
-- endpoints with their health, events beside the pipeline, attempts with what was
-- met on the way. What was under way goes on with the same bytes.

-- +goose Up
CREATE TABLE endpoint (
  id            TEXT PRIMARY KEY,
  url           TEXT NOT NULL, -- as it may be shown
  grp           TEXT NOT NULL,
  state         TEXT NOT NULL CHECK (state IN ('enabled', 'paused', 'disabled')),
  reason        TEXT NOT NULL,
  changed_at    INTEGER,
  first_at      INTEGER NOT NULL,
  last_success  INTEGER,
  last_failure  INTEGER,
  failing_since INTEGER,
  failures      INTEGER NOT NULL,
  last_status   INTEGER NOT NULL,
  last_error    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What was counted at an endpoint in an hour; latency is export.Histogram.
CREATE TABLE traffic (
  endpoint  TEXT NOT NULL,
  hour      INTEGER NOT NULL,
  succeeded INTEGER NOT NULL,
  refused   INTEGER NOT NULL,
  unknown   INTEGER NOT NULL,
  latency   BLOB NOT NULL,
  PRIMARY KEY (endpoint, hour)
) STRICT, WITHOUT ROWID;

CREATE TABLE recovery (
  id         TEXT PRIMARY KEY,
  filter     TEXT NOT NULL, -- JSON of export.Filter
  total      INTEGER NOT NULL,
  done       INTEGER NOT NULL,
  cursor     TEXT NOT NULL, -- the delivery it has come to
  created_at INTEGER NOT NULL,
  ended_at   INTEGER
) STRICT, WITHOUT ROWID;

-- What webhooks are signed with. Those that expire sign until then.
CREATE TABLE signing_key (
  id         TEXT PRIMARY KEY,
  kind       TEXT NOT NULL CHECK (kind IN ('v1', 'v1a')),
  text       TEXT NOT NULL, -- whsec_ or whsk_: a signature cannot be made with a hash
  created_at INTEGER NOT NULL,
  expires_at INTEGER
) STRICT, WITHOUT ROWID;

INSERT INTO signing_key (id, kind, text, created_at) SELECT 'key_' || name, 'v1', value, created_at FROM secret;
DROP TABLE secret;

CREATE TABLE new_delivery (
  id           TEXT PRIMARY KEY,
  message_id   TEXT NOT NULL, -- '' is msg_ and what stands behind dlv_ in the id
  project      TEXT NOT NULL, -- '' for tests and operator events
  export       INTEGER NOT NULL,
  position     INTEGER NOT NULL,
  main         INTEGER NOT NULL, -- its state is its destination's
  type         TEXT NOT NULL,
  event        TEXT NOT NULL,
  target       TEXT NOT NULL,
  grp          TEXT NOT NULL, -- '' is the origin of target
  endpoint     TEXT NOT NULL, -- '' is neither counted nor held
  content_type TEXT NOT NULL, -- 'json' for short
  headers      TEXT NOT NULL, -- JSON object, '' for none
  timeout      INTEGER NOT NULL, -- nanoseconds
  schedule     TEXT NOT NULL,    -- seconds with commas between, or 'usual'
  droppable    INTEGER NOT NULL,
  remaining    INTEGER NOT NULL,
  state        TEXT NOT NULL CHECK (state IN ('pending', 'retrying', 'unknown', 'held', 'delivered', 'failed', 'cancelled')),
  attempts     INTEGER NOT NULL, -- closed ones; an open one is number attempts + 1
  failures     INTEGER NOT NULL,
  last_status  INTEGER NOT NULL,
  message      TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  next_at      INTEGER,
  body         BLOB NOT NULL
) STRICT;

-- An attempt that a crash left open counts once it is closed as unknown. What
-- the new release cannot know of an old delivery's endpoint it does not count.
INSERT INTO new_delivery SELECT id, message_id, project, export, position, 1, type, event, target, grp, '', content_type, '', timeout,
  (SELECT coalesce(group_concat(value / 1e9, ','), '') FROM json_each(delivery.schedule)),
  0, CASE WHEN failures = 0 THEN remaining ELSE 0 END,
  CASE state WHEN 'running' THEN CASE WHEN failures = 0 THEN 'pending' ELSE 'retrying' END ELSE state END,
  (SELECT count(*) FROM attempt WHERE attempt.delivery = delivery.id AND attempt.result <> 'open'),
  failures, last_status, message, created_at, next_at, body FROM delivery;

CREATE TABLE new_attempt (
  delivery    TEXT NOT NULL,
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
  address     TEXT NOT NULL,
  tls         TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  timing      TEXT NOT NULL, -- microseconds: DNS, connect, handshake, first byte; a + when the connection was used again
  request     TEXT NOT NULL, -- headers, the usual names as one byte
  headers     TEXT NOT NULL, -- the answer's
  answer      BLOB NOT NULL,
  PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;

INSERT INTO new_attempt SELECT delivery, number, started_at, ended_at, result, status, class, error, cut, retry_after, gone,
  '', '', '', '', '', '', answer FROM attempt;

DROP TABLE attempt;
DROP TABLE delivery;
ALTER TABLE new_attempt RENAME TO attempt;
ALTER TABLE new_delivery RENAME TO delivery;

CREATE INDEX delivery_project ON delivery (project);
CREATE INDEX delivery_endpoint ON delivery (endpoint, id);
-- What is looked for by its state is what went wrong. The two states that every
-- delivery passes through are left out, or each would pay for it.
CREATE INDEX delivery_state ON delivery (state, id) WHERE state NOT IN ('pending', 'delivered');
-- The same of one endpoint: what is held for it is counted whenever it is shown.
CREATE INDEX delivery_trouble ON delivery (endpoint, state, id) WHERE state NOT IN ('pending', 'delivered');

-- Ids are made by the program, rising with the clock: AUTOINCREMENT would write
-- another page for each.
CREATE TABLE new_job (
  id     INTEGER PRIMARY KEY,
  kind   TEXT NOT NULL,
  key    TEXT NOT NULL,
  grp    TEXT NOT NULL,
  run_at INTEGER NOT NULL,
  retry  INTEGER NOT NULL,
  faults INTEGER NOT NULL,
  UNIQUE (kind, key)
) STRICT;

INSERT INTO new_job SELECT id, kind, key, grp, run_at,
  EXISTS (SELECT 1 FROM delivery WHERE delivery.id = job.key AND delivery.failures > 0), faults FROM job;
DROP TABLE job;
ALTER TABLE new_job RENAME TO job;
CREATE INDEX job_due ON job (kind, run_at, id);
