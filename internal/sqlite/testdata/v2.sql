-- What a server of schema version 2 had when it was killed: movie m1 with a
-- delivery in every state, m2 in the queue and m3 deleted, an event beside the
-- pipeline, endpoints, a recovery, and a row in every other table. Times are
-- nanoseconds.
INSERT INTO project VALUES
  ('m1', 'done', '', 'movie', 'm1/key', 1, 'm1/key', 1.5, 10, 20, 30, 1000, 2000, 3000, NULL, '[{"Path":"a","Message":"b"}]', x'7b2278223a317d', x'00ff'),
  ('m2', 'pending', '', '', 'm2/key', 2, '', 0, 0, 0, 0, 4000, NULL, NULL, NULL, '[]', x'', x'7b7d'),
  ('m3', 'error', 'no source', '', 'm3/key', 1, '', 0, 0, 0, 0, 4000, 4100, 4200, 4300, '[]', x'', x'7b7d');

INSERT INTO destination VALUES
  ('m1', 0, 0, 'webhook', 'pending', 0, 0, '', ''),
  ('m1', 0, 1, 'ftp', 'failed', 0, 0, 'not supported', ''),
  ('m1', 1, 0, 'webhook', 'delivered', 3, 204, '', 'dlv_02CLEANED'),
  ('m2', 0, 0, 'webhook', 'pending', 0, 0, '', '');

INSERT INTO delivery VALUES
  ('dlv_02RETRYING', '', 'm1', 0, 0, 1, 'webhook', 'movie.completed', 'https://u:p@a.example/?k=1', '', 'ep_a', 'json',
    '{"Authorization":"Bearer 1"}', 15000000000, 'usual', 0, 0, 'retrying', 1, 1, 503, 'answered 503', 3000, 9000, x'00ff01'),
  ('dlv_02OPEN', 'msg_other', 'm1', 1, 1, 0, 'webhook', 'movie.started', 'https://a.example/x', 'https://a.example:443', 'ep_a', 'text/plain',
    '', 1, '1.5,2', 1, 1, 'pending', 0, 0, 0, '', 3000, 3000, x''),
  ('dlv_02HELD', '', '', 0, 0, 0, 'webhook', 'delivery.exhausted', 'https://b.example/', '', 'ep_b', 'json',
    '', 15000000000, '', 0, 0, 'held', 0, 0, 0, 'Held', 3000, NULL, x'7b7d'),
  ('dlv_02FAILED', '', 'm3', 0, 0, 1, 'webhook', 'movie.failed', 'https://b.example/', '', 'ep_b', 'json',
    '', 15000000000, '', 0, 0, 'failed', 1, 1, 404, 'gave up', 3000, NULL, x'7b7d');

INSERT INTO attempt VALUES
  ('dlv_02RETRYING', 1, 3000, 3500, 'failed', 503, 'http', 'answered 503', 1, 90, 1, '192.0.2.1:443', 'TLS 1.3', '00ff', '1 2 3 4', '', '', x'6e6f'),
  ('dlv_02OPEN', 1, 3000, NULL, 'open', 0, '', '', 0, 0, 0, '', '', '', '', '', '', x'');

INSERT INTO job VALUES
  (7, 'render', 'm2', '', 4000, 0, 2),
  (11, 'deliver', 'dlv_02RETRYING', 'https://a.example:443', 9000, 1, 0),
  (12, 'deliver', 'dlv_02OPEN', 'https://a.example:443', 3000, 0, 3),
  (13, 'recover', 'rec_1', '', 5000, 0, 0);

INSERT INTO endpoint VALUES
  ('ep_a', 'https://a.example/', 'https://a.example:443', 'enabled', '', NULL, 1000, 2000, 3000, 3000, 1, 503, 'answered 503'),
  ('ep_b', 'https://b.example/', 'https://b.example:443', 'paused', 'by hand', 2500, 1000, NULL, 2000, NULL, 0, 500, 'no');

INSERT INTO traffic VALUES ('ep_a', 0, 5, 6, 7, x'');
INSERT INTO recovery VALUES ('rec_1', '{"States":["failed"],"Endpoint":"ep_b"}', 3, 1, 'dlv_01', 5000, NULL);
INSERT INTO idempotency VALUES ('k', zeroblob(32), 'm1', 4000);
INSERT INTO signing_key VALUES ('key_old', 'v1', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 1000, 9000), ('key_new', 'v1a', 'whsk_x', 2000, NULL);
INSERT INTO api_key VALUES (zeroblob(32), 1000), (x'ff00000000000000000000000000000000000000000000000000000000000000', 2000);
