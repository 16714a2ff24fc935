-- +goose Up
CREATE TABLE app (
  sdkappid BIGINT PRIMARY KEY,
  doc      TEXT NOT NULL,             -- relation.App as JSON
  deleting BIGINT NOT NULL DEFAULT 0 -- 1: rows are being removed, the id is not free yet
);

-- id names an account inside the store and is never reused, so a deleted account that is imported again starts clean.
CREATE TABLE account (
  sdkappid    BIGINT NOT NULL,
  userid      TEXT COLLATE "C" NOT NULL,
  id          BIGINT NOT NULL,
  kicked_s    BIGINT NOT NULL DEFAULT 0, -- Unix seconds; tickets made before are invalid
  block_seq   BIGINT NOT NULL DEFAULT 0, -- changes of the blocklist so far
  block_count BIGINT NOT NULL DEFAULT 0, -- entries on the blocklist
  block_place BIGINT NOT NULL DEFAULT 0, -- place of the newest entry ever
  event_seq   BIGINT NOT NULL,           -- number of the newest event ever
  PRIMARY KEY (sdkappid, userid)
);
CREATE UNIQUE INDEX account_id ON account (id);

CREATE TABLE profile (
  account BIGINT PRIMARY KEY, -- account.id
  nick    TEXT NOT NULL,
  face    TEXT NOT NULL
);

-- A list is read in order of place; a pair is found by (target, owner).
CREATE TABLE block (
  owner   BIGINT NOT NULL, -- account.id
  place   BIGINT NOT NULL, -- rises with insertion
  target  BIGINT NOT NULL, -- account.id
  since_s BIGINT NOT NULL, -- Unix seconds
  PRIMARY KEY (owner, place)
);
CREATE UNIQUE INDEX block_pair ON block (target, owner);

-- The outbox. Only the head of an owner's queue has a due time.
CREATE TABLE event (
  sdkappid   BIGINT NOT NULL,
  owner      TEXT COLLATE "C" NOT NULL, -- From_Account
  seq        BIGINT NOT NULL,
  id         BYTEA   NOT NULL, -- UUID version 7
  kind       TEXT    NOT NULL, -- callback command
  targets    TEXT    NOT NULL, -- JSON array of To_Account
  client_ip  TEXT    NOT NULL,
  platform   TEXT    NOT NULL,
  created_ms BIGINT NOT NULL, -- Unix milliseconds
  due_ms     BIGINT,          -- Unix milliseconds
  attempts   BIGINT NOT NULL DEFAULT 0,
  reason     TEXT    NOT NULL DEFAULT '', -- of the last attempt
  PRIMARY KEY (sdkappid, owner, seq)
);
CREATE INDEX event_due ON event (sdkappid, due_ms, owner) WHERE due_ms IS NOT NULL;

-- Events that were given up.
CREATE TABLE dead_event (
  sdkappid   BIGINT NOT NULL,
  owner      TEXT COLLATE "C" NOT NULL,
  seq        BIGINT NOT NULL,
  id         BYTEA   NOT NULL PRIMARY KEY,
  kind       TEXT    NOT NULL,
  targets    TEXT    NOT NULL,
  client_ip  TEXT    NOT NULL,
  platform   TEXT    NOT NULL,
  created_ms BIGINT NOT NULL,
  attempts   BIGINT NOT NULL,
  reason     TEXT    NOT NULL,
  parked_ms  BIGINT NOT NULL
);
CREATE INDEX dead_event_app ON dead_event (sdkappid, id);

-- Deleted accounts whose rows are still being removed.
CREATE TABLE gone (
  id       BIGINT PRIMARY KEY, -- account.id
  sdkappid BIGINT NOT NULL
);
CREATE INDEX gone_app ON gone (sdkappid);

CREATE TABLE counter (
  name  TEXT PRIMARY KEY,
  value BIGINT NOT NULL
);
INSERT INTO counter (name, value) VALUES ('account', 0);

-- +goose Down
DROP TABLE counter;
DROP TABLE gone;
DROP TABLE dead_event;
DROP TABLE event;
DROP TABLE block;
DROP TABLE profile;
DROP TABLE account;
DROP TABLE app;
