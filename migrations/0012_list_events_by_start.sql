-- Invitations carry the start of their event, so that the list of one's events is read off an index, page after page,
-- in its invited half, too. Before, the events of all invitations were fetched and sorted for each page.
--
-- The column is kept right here, whoever writes: FOR SHARE waits for a change of the start that is under way, and then
-- sees it.
ALTER TABLE event_participants ADD COLUMN event_start timestamptz;

UPDATE event_participants p SET event_start = e.start_time FROM events e WHERE e.id = p.event_id;

ALTER TABLE event_participants ALTER COLUMN event_start SET NOT NULL;

CREATE FUNCTION fill_event_start() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    -- An event that is not there is the foreign key's business, and any time does until then.
    NEW.event_start := COALESCE((SELECT start_time FROM events WHERE id = NEW.event_id FOR SHARE), 'epoch');
    RETURN NEW;
END
$$;

CREATE TRIGGER fill_event_start BEFORE INSERT OR UPDATE OF event_id, event_start ON event_participants
    FOR EACH ROW EXECUTE FUNCTION fill_event_start();

CREATE FUNCTION carry_event_start() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE event_participants SET event_start = NEW.start_time WHERE event_id = NEW.id;
    RETURN NULL;
END
$$;

CREATE TRIGGER carry_event_start AFTER UPDATE OF start_time ON events
    FOR EACH ROW WHEN (OLD.start_time IS DISTINCT FROM NEW.start_time) EXECUTE FUNCTION carry_event_start();

-- Page and number of the invitations that were not declined, both without a look at the table; user_id leads, so it
-- serves the foreign key as well, and the index on (user_id, status) has nothing left to do.
CREATE INDEX event_participants_user_keyset_idx
    ON event_participants (user_id, event_start DESC, event_id DESC) INCLUDE (status);

DROP INDEX event_participants_user_status_idx;
