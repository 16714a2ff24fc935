-- +goose Up
ALTER TABLE event ADD COLUMN trace TEXT NOT NULL DEFAULT '';       -- W3C traceparent of the call
ALTER TABLE event ADD COLUMN budget_ms INTEGER NOT NULL DEFAULT 0; -- when its time budget began, Unix milliseconds; 0: not yet
-- The conditions hold for all rows. They keep PostgreSQL from finding other columns by a prefix of these indexes.
CREATE INDEX event_id ON event (sdkappid, id) WHERE id IS NOT NULL;
ALTER TABLE dead_event ADD COLUMN trace TEXT NOT NULL DEFAULT '';
CREATE INDEX dead_event_owner ON dead_event (sdkappid, owner, id) WHERE owner IS NOT NULL;

-- Events that were delivered, each with its final attempt.
CREATE TABLE record (
  sdkappid   INTEGER NOT NULL,
  id         BLOB    NOT NULL,
  owner      TEXT    NOT NULL,
  seq        INTEGER NOT NULL,
  kind       TEXT    NOT NULL,
  targets    TEXT    NOT NULL,
  detail     TEXT    NOT NULL,
  client_ip  TEXT    NOT NULL,
  platform   TEXT    NOT NULL,
  trace      TEXT    NOT NULL,
  created_ms INTEGER NOT NULL,
  attempts   INTEGER NOT NULL,
  settled_ms INTEGER NOT NULL,
  number     INTEGER NOT NULL, -- from here on the final attempt, as in attempt
  at_us      INTEGER NOT NULL, -- 0: it is not known
  took_us    INTEGER NOT NULL,
  status     INTEGER NOT NULL,
  fault      INTEGER NOT NULL,
  reason     TEXT    NOT NULL,
  note       TEXT    NOT NULL,
  node       TEXT    NOT NULL,
  replay     TEXT    NOT NULL,
  answer     BLOB    NOT NULL,
  replayed   INTEGER NOT NULL, -- deliveries by replays, besides
  kept       INTEGER NOT NULL, -- rows of attempt
  size       INTEGER NOT NULL, -- bytes, about, without those of attempt
  PRIMARY KEY (sdkappid, id)
) WITHOUT ROWID;
CREATE INDEX record_owner ON record (sdkappid, owner, id) WHERE owner IS NOT NULL;

-- Attempts that failed, and those of replays.
CREATE TABLE attempt (
  sdkappid INTEGER NOT NULL,
  id       BLOB    NOT NULL, -- of the event
  at_us    INTEGER NOT NULL, -- Unix microseconds
  number   INTEGER NOT NULL,
  took_us  INTEGER NOT NULL,
  status   INTEGER NOT NULL,
  fault    INTEGER NOT NULL,
  reason   TEXT    NOT NULL,
  note     TEXT    NOT NULL,
  node     TEXT    NOT NULL,
  replay   TEXT    NOT NULL,
  answer   BLOB    NOT NULL,
  PRIMARY KEY (sdkappid, id, at_us, number)
) WITHOUT ROWID;

-- What record holds of each app, so that nobody has to count rows.
CREATE TABLE record_total (
  sdkappid  INTEGER PRIMARY KEY,
  events    INTEGER NOT NULL,
  bytes     INTEGER NOT NULL,
  forgotten BLOB NOT NULL DEFAULT x'' -- id of the newest delivered event that is not kept
);

CREATE TABLE replay (
  id       TEXT    NOT NULL PRIMARY KEY,
  sdkappid INTEGER NOT NULL,
  doc      TEXT    NOT NULL -- JSON
) WITHOUT ROWID;
CREATE INDEX replay_app ON replay (sdkappid);

-- id_ms: the times of all event ids are before it. id_lead_ms: an id's time is at most so much later than its event.
INSERT INTO counter (name, value) VALUES ('id_ms', 0), ('id_lead_ms', 60000);

UPDATE app SET doc = json_set(json_remove(doc, '$.callback.no_retry'), '$.callback.retry', 'off')
WHERE CASE WHEN json_valid(doc) THEN json_extract(doc, '$.callback.no_retry') = 1 ELSE 0 END;

-- +goose Down
UPDATE app SET doc = json_set(json_remove(doc, '$.callback.retry'), '$.callback.no_retry', json('true'))
WHERE CASE WHEN json_valid(doc) THEN json_extract(doc, '$.callback.retry') = 'off' ELSE 0 END;
DELETE FROM counter WHERE name IN ('id_ms', 'id_lead_ms');
DROP TABLE replay;
DROP TABLE record_total;
DROP TABLE attempt;
DROP TABLE record;
DROP INDEX dead_event_owner;
ALTER TABLE dead_event DROP COLUMN trace;
DROP INDEX event_id;
ALTER TABLE event DROP COLUMN budget_ms;
ALTER TABLE event DROP COLUMN trace;
