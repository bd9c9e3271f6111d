-- What a server of schema version 1 had when it was killed: movie m1 with a
-- delivery in every state, and m2 in the queue. Times are nanoseconds.
INSERT INTO project VALUES
  ('m1', 'done', '', 'movie', 'm1/key', 1, 'm1/key', 1.5, 10, 20, 30, 1000, 2000, 3000, NULL, '[]', x'', x'7b7d'),
  ('m2', 'pending', '', 'movie', 'm2/key', 0, '', 0, 0, 0, 0, 4000, NULL, NULL, NULL, '[]', x'', x'7b7d');

INSERT INTO destination VALUES
  ('m1', 0, 0, 'webhook', 'delivered', 2, 204, '', 'dlv_01DELIVERED'),
  ('m1', 0, 1, 'webhook', 'failed', 1, 404, 'gave up', 'dlv_01FAILED'),
  ('m1', 0, 2, 'webhook', 'retrying', 1, 503, 'answered 503', 'dlv_01RETRYING'),
  ('m1', 0, 3, 'webhook', 'running', 2, 503, 'answered 503', 'dlv_01RUNNING'),
  ('m1', 0, 4, 'webhook', 'running', 1, 0, '', 'dlv_01FIRST'),
  ('m1', 0, 5, 'webhook', 'pending', 0, 0, '', 'dlv_01PENDING'),
  ('m1', 0, 6, 'ftp', 'failed', 0, 0, 'not supported', ''),
  ('m2', 0, 0, 'webhook', 'pending', 0, 0, '', '');

INSERT INTO delivery VALUES
  ('dlv_01DELIVERED', 'msg_a', 'm1', 0, 0, 'webhook', 'movie.done', 'https://a.example/?k=1', 'https://a.example:443', 'application/json',
    15000000000, '[1000000000,60000000000]', 5, 'delivered', 2, 1, 204, '', 3000, NULL, x'00ff01'),
  ('dlv_01FAILED', 'msg_b', 'm1', 0, 1, 'webhook', 'movie.done', 'https://a.example/?k=1', 'https://a.example:443', 'application/json',
    15000000000, '[]', 4, 'failed', 1, 1, 404, 'gave up', 3000, NULL, x'00ff02'),
  ('dlv_01RETRYING', 'msg_c', 'm1', 0, 2, 'webhook', 'movie.done', 'https://a.example/?k=1', 'https://a.example:443', 'application/json',
    15000000000, '[250000000,8200000000,86400000000000]', 3, 'retrying', 1, 1, 503, 'answered 503', 3000, 9000, x'00ff03'),
  ('dlv_01RUNNING', 'msg_d', 'm1', 0, 3, 'webhook', 'movie.done', 'https://a.example/?k=1', 'https://a.example:443', 'application/json',
    15000000000, '[1000000000]', 2, 'running', 2, 1, 503, 'answered 503', 3000, 5000, x'00ff04'),
  ('dlv_01FIRST', 'msg_e', 'm1', 0, 4, 'webhook', 'movie.done', 'https://a.example/?k=1', 'https://a.example:443', 'application/json',
    15000000000, '[1000000000]', 1, 'running', 1, 0, 0, '', 3000, 3000, x'00ff05'),
  ('dlv_01PENDING', 'msg_f', 'm1', 0, 5, 'webhook', 'movie.done', 'https://a.example/?k=1', 'https://a.example:443', 'application/json',
    15000000000, '[1000000000]', 1, 'pending', 0, 0, 0, '', 3000, 3000, x'');

INSERT INTO attempt VALUES
  ('dlv_01DELIVERED', 1, 3000, 3500, 'unknown', 0, 'timeout', 'no answer', 0, 0, 0, x''),
  ('dlv_01DELIVERED', 2, 4000, 4500, 'succeeded', 204, '', '', 0, 0, 0, x''),
  ('dlv_01FAILED', 1, 3000, 3500, 'failed', 404, 'http', 'answered 404', 1, 90000000000, 1, x'6e6f'),
  ('dlv_01RETRYING', 1, 3000, 3500, 'failed', 503, 'http', 'answered 503', 0, 0, 0, x'6e6f'),
  ('dlv_01RUNNING', 1, 3000, 3500, 'failed', 503, 'http', 'answered 503', 0, 0, 0, x'6e6f'),
  ('dlv_01RUNNING', 2, 5000, NULL, 'open', 0, '', '', 0, 0, 0, x''),
  ('dlv_01FIRST', 1, 3000, NULL, 'open', 0, '', '', 0, 0, 0, x'');

INSERT INTO job (id, kind, key, grp, run_at, faults) VALUES
  (7, 'render', 'm2', '', 4000, 2),
  (11, 'deliver', 'dlv_01RETRYING', 'https://a.example:443', 9000, 0),
  (12, 'deliver', 'dlv_01RUNNING', 'https://a.example:443', 5000, 0),
  (13, 'deliver', 'dlv_01FIRST', 'https://a.example:443', 3000, 0),
  (14, 'deliver', 'dlv_01PENDING', 'https://a.example:443', 3000, 3);

INSERT INTO api_key VALUES (zeroblob(32), 1000);
INSERT INTO secret VALUES ('webhook', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 1000);
