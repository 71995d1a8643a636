-- What each member has read and received: high-water marks that only rise.
CREATE TABLE event_member_marks (
    event_id      bigint NOT NULL REFERENCES events (id) ON DELETE RESTRICT,
    user_id       bigint NOT NULL REFERENCES users (id) ON DELETE RESTRICT,
    read_seq      bigint NOT NULL DEFAULT 0,
    read_ordinal  bigint NOT NULL DEFAULT 0,
    delivered_seq bigint NOT NULL DEFAULT 0,
    updated_at    timestamptz NOT NULL DEFAULT date_trunc('milliseconds', clock_timestamp()),
    PRIMARY KEY (event_id, user_id),
    CONSTRAINT event_member_marks_check CHECK (read_seq >= 0 AND read_ordinal >= 0 AND delivered_seq >= 0)
)
-- Rewritten while people read: see event_rooms.
WITH (fillfactor = 70);

-- No index on user_id: marks are always asked for by event and user, and users are never deleted.
