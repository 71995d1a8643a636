-- The items of the rooms. Written in batches by the worker, read by seq.
--
-- No partitions: every query names the event, the primary key keeps an event's items together, and the three unique
-- keys must hold over all times.
CREATE TABLE chat_messages (
    event_id           bigint NOT NULL REFERENCES events (id) ON DELETE RESTRICT,
    -- The place in the room, without gaps from 1.
    seq                bigint NOT NULL,
    -- How many messages by people the room holds up to here.
    ordinal            bigint NOT NULL,
    created_at         timestamptz NOT NULL,
    message_id         uuid NOT NULL,
    -- What the sender's client called it.
    client_id          uuid,
    -- NULL: a line by the system.
    sender_id          bigint REFERENCES users (id) ON DELETE RESTRICT,
    -- Name and picture as they were then.
    sender_name        text NOT NULL,
    sender_profile_url text,
    message            text NOT NULL,
    message_type       varchar(20) NOT NULL DEFAULT 'text',
    attachments        text[] NOT NULL DEFAULT '{}',
    reply_to           uuid,
    edited_at          timestamptz,
    is_deleted         boolean NOT NULL DEFAULT false,
    metadata           jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (event_id, seq),
    -- Look-up by id: replies, cursors.
    CONSTRAINT chat_messages_message_key UNIQUE (message_id),
    CONSTRAINT chat_messages_seq_check CHECK (seq >= 1 AND ordinal BETWEEN 0 AND seq),
    CONSTRAINT chat_messages_type_check CHECK (message_type IN ('text', 'system', 'image', 'file')),
    -- Nobody can write in the system's name.
    CONSTRAINT chat_messages_sender_check CHECK ((sender_id IS NULL) = (message_type = 'system')),
    CONSTRAINT chat_messages_size_check CHECK (octet_length(message) <= 65536),
    CONSTRAINT chat_messages_attachments_check CHECK (array_position(attachments, NULL) IS NULL),
    CONSTRAINT chat_messages_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);

-- Sending the same thing twice is sending it once, for ever: the broker's memory is two minutes long. Partial, because
-- clients that name nothing (the shipped app) would fill it with NULLs.
CREATE UNIQUE INDEX chat_messages_client_key ON chat_messages (event_id, sender_id, client_id)
    WHERE client_id IS NOT NULL;

-- No index on sender_id or created_at: nothing asks for one person's messages over all rooms, and a time within a room
-- grows with seq.
