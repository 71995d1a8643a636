-- Changes that were committed together with their event and wait for the broker (transactional outbox).
--
-- Whoever changes an event holds its row's lock before he takes an id here, so the ids of one event are in the order of
-- its commits. Published rows stay for a week and are then removed in small batches.
CREATE TABLE event_outbox (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The broker's de-duplication key.
    change_id    uuid NOT NULL,
    event_id     bigint NOT NULL REFERENCES events (id) ON DELETE RESTRICT,
    subject      text NOT NULL,
    payload      jsonb NOT NULL,
    created_at   timestamptz NOT NULL,
    published_at timestamptz,
    -- Why the row cannot be published; it is passed over until an operator has looked at it.
    error        text,
    CONSTRAINT event_outbox_change_key UNIQUE (change_id)
);

-- What the relay asks for, in its order. Almost always almost empty, however long the table is.
CREATE INDEX event_outbox_waiting_idx ON event_outbox (id) WHERE published_at IS NULL AND error IS NULL;

-- No index on event_id: nothing asks for it, and events are never deleted. None on published_at either: the oldest rows
-- are the first of the primary key.
