-- The evidence: who changed what of an event, from what to what, when, and from where (metadata: ip_address,
-- user_agent, reason). Written once, kept for ever.
CREATE TABLE event_history (
    -- A UUIDv7 whose time is changed_at. Writing an entry again writes nothing.
    change_id   uuid PRIMARY KEY,
    event_id    bigint NOT NULL REFERENCES events (id) ON DELETE RESTRICT,
    -- NULL: the system itself.
    actor_id    bigint REFERENCES users (id) ON DELETE RESTRICT,
    -- The name as it was then.
    actor_name  text NOT NULL,
    change_type varchar(40) NOT NULL,
    field_name  varchar(100),
    -- JSON text.
    old_value   text,
    new_value   text,
    changed_at  timestamptz NOT NULL,
    metadata    jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT event_history_type_check CHECK (change_type <> ''),
    CONSTRAINT event_history_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);

-- An event's history, newest first, page after page; event_id leads, so it serves the foreign key as well.
CREATE INDEX event_history_event_keyset_idx ON event_history (event_id, changed_at DESC, change_id DESC);

CREATE TRIGGER event_history_is_evidence BEFORE UPDATE OR DELETE ON event_history
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_evidence();

CREATE TRIGGER event_history_is_not_emptied BEFORE TRUNCATE ON event_history
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_evidence();
