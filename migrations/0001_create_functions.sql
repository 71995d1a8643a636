-- Trigger functions shared by the tables that follow.

-- Stamps a row that somebody changed without giving a time of his own: operators by hand, the admin's SQL. The server
-- passes its own time in, cut to milliseconds, so that REST, WebSocket and history agree to the digit.
CREATE FUNCTION update_updated_at_column() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at THEN
        NEW.updated_at := date_trunc('milliseconds', clock_timestamp());
    END IF;
    RETURN NEW;
END
$$;

-- Evidence is written once: a table with this trigger takes rows and never changes or loses one.
CREATE FUNCTION refuse_change_of_evidence() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: it is evidence', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;
