-- +goose Up
-- Devices that are online, of the apps that are told of logins. After a crash it says who was there.
CREATE TABLE online (
  account   INTEGER NOT NULL, -- account.id
  device    TEXT    NOT NULL,
  platform  TEXT    NOT NULL,
  client_ip TEXT    NOT NULL,
  PRIMARY KEY (account, device)
) WITHOUT ROWID;

-- What a State.StateChange tells, as JSON; empty for events of other kinds.
ALTER TABLE event ADD COLUMN detail TEXT NOT NULL DEFAULT '';
ALTER TABLE dead_event ADD COLUMN detail TEXT NOT NULL DEFAULT '';

-- +goose Down
DELETE FROM event WHERE kind = 'State.StateChange';
UPDATE event SET due_ms = created_ms WHERE due_ms IS NULL AND NOT EXISTS
  (SELECT 1 FROM event e WHERE e.sdkappid = event.sdkappid AND e.owner = event.owner AND e.seq < event.seq);
DELETE FROM dead_event WHERE kind = 'State.StateChange';
ALTER TABLE dead_event DROP COLUMN detail;
ALTER TABLE event DROP COLUMN detail;
DROP TABLE online;
