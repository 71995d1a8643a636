-- A system line has no sender, and NULLs are distinct: chat_messages_client_key let a change that came again after the
-- broker's window be told of twice. It has a name of its own now, by the change.
--
-- A line that was said twice stays where it is, because places have no gaps; only the first keeps the name.
UPDATE chat_messages AS later SET client_id = NULL
WHERE sender_id IS NULL AND client_id IS NOT NULL AND EXISTS (
    SELECT FROM chat_messages AS first
    WHERE first.event_id = later.event_id AND first.sender_id IS NULL AND first.client_id = later.client_id
        AND first.seq < later.seq
);

CREATE UNIQUE INDEX chat_messages_change_key ON chat_messages (event_id, client_id)
    WHERE sender_id IS NULL AND client_id IS NOT NULL;
