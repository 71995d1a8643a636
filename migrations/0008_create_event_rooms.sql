-- How far each room has come: what unread counts are subtracted from. A room without messages has no row.
CREATE TABLE event_rooms (
    event_id        bigint PRIMARY KEY REFERENCES events (id) ON DELETE RESTRICT,
    last_seq        bigint NOT NULL,
    -- How many messages by people the room holds; system lines do not count.
    last_ordinal    bigint NOT NULL,
    last_message_at timestamptz NOT NULL,
    CONSTRAINT event_rooms_ordinal_check CHECK (last_ordinal BETWEEN 0 AND last_seq)
)
-- Rewritten with each batch of messages: room on the page keeps the update in place (HOT) and the index untouched.
WITH (fillfactor = 70);
