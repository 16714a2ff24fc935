-- +goose Up
ALTER TABLE event ADD COLUMN trace TEXT NOT NULL DEFAULT '';       -- W3C traceparent of the call
ALTER TABLE event ADD COLUMN budget_ms BIGINT NOT NULL DEFAULT 0; -- when its time budget began, Unix milliseconds; 0: not yet
-- The conditions hold for all rows. They keep PostgreSQL from finding other columns by a prefix of these indexes.
CREATE INDEX event_id ON event (sdkappid, id) WHERE id IS NOT NULL;
ALTER TABLE dead_event ADD COLUMN trace TEXT NOT NULL DEFAULT '';
CREATE INDEX dead_event_owner ON dead_event (sdkappid, owner, id) WHERE owner IS NOT NULL;

-- Events that were delivered, each with its final attempt.
CREATE TABLE record (
  sdkappid   BIGINT NOT NULL,
  id         BYTEA   NOT NULL,
  owner      TEXT COLLATE "C" NOT NULL,
  seq        BIGINT NOT NULL,
  kind       TEXT    NOT NULL,
  targets    TEXT    NOT NULL,
  detail     TEXT    NOT NULL,
  client_ip  TEXT    NOT NULL,
  platform   TEXT    NOT NULL,
  trace      TEXT    NOT NULL,
  created_ms BIGINT NOT NULL,
  attempts   BIGINT NOT NULL,
  settled_ms BIGINT NOT NULL,
  number     BIGINT NOT NULL, -- from here on the final attempt, as in attempt
  at_us      BIGINT NOT NULL, -- 0: it is not known
  took_us    BIGINT NOT NULL,
  status     BIGINT NOT NULL,
  fault      BIGINT NOT NULL,
  reason     TEXT    NOT NULL,
  note       TEXT    NOT NULL,
  node       TEXT    NOT NULL,
  replay     TEXT    NOT NULL,
  answer     BYTEA   NOT NULL,
  replayed   BIGINT NOT NULL, -- deliveries by replays, besides
  kept       BIGINT NOT NULL, -- rows of attempt
  size       BIGINT NOT NULL, -- bytes, about, without those of attempt
  PRIMARY KEY (sdkappid, id)
);
CREATE INDEX record_owner ON record (sdkappid, owner, id) WHERE owner IS NOT NULL;

-- Attempts that failed, and those of replays.
CREATE TABLE attempt (
  sdkappid BIGINT NOT NULL,
  id       BYTEA   NOT NULL, -- of the event
  at_us    BIGINT NOT NULL, -- Unix microseconds
  number   BIGINT NOT NULL,
  took_us  BIGINT NOT NULL,
  status   BIGINT NOT NULL,
  fault    BIGINT NOT NULL,
  reason   TEXT    NOT NULL,
  note     TEXT    NOT NULL,
  node     TEXT    NOT NULL,
  replay   TEXT    NOT NULL,
  answer   BYTEA   NOT NULL,
  PRIMARY KEY (sdkappid, id, at_us, number)
);

-- What record holds of each app, so that nobody has to count rows.
CREATE TABLE record_total (
  sdkappid  BIGINT PRIMARY KEY,
  events    BIGINT NOT NULL,
  bytes     BIGINT NOT NULL,
  forgotten BYTEA NOT NULL DEFAULT '' -- id of the newest delivered event that is not kept
);

CREATE TABLE replay (
  id       TEXT COLLATE "C" PRIMARY KEY,
  sdkappid BIGINT NOT NULL,
  doc      TEXT    NOT NULL -- JSON
);
CREATE INDEX replay_app ON replay (sdkappid);

-- id_ms: the times of all event ids are before it. id_lead_ms: an id's time is at most so much later than its event.
INSERT INTO counter (name, value) VALUES ('id_ms', 0), ('id_lead_ms', 60000);


UPDATE app SET doc = jsonb_set(doc::jsonb #- '{callback,no_retry}', '{callback,retry}', '"off"')::text
WHERE CASE WHEN deleting = 0 THEN doc::jsonb #>> '{callback,no_retry}' = 'true' ELSE false END;

-- +goose Down
UPDATE app SET doc = jsonb_set(doc::jsonb #- '{callback,retry}', '{callback,no_retry}', 'true')::text
WHERE CASE WHEN deleting = 0 THEN doc::jsonb #>> '{callback,retry}' = 'off' ELSE false END;
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
