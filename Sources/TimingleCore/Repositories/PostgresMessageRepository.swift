/// The items of rooms in PostgreSQL: the message store that needs nothing more installed.
///
/// Immutable.
package struct PostgresMessageRepository: MessageStore {
    private let client: PostgresClient

    package init(client: PostgresClient) {
        self.client = client
    }

    /// One statement for the whole batch, so that all of it is stored or nothing.
    ///
    /// The batch travels as one JSON document: its columns are nullable and one is an array, which parallel arrays
    /// cannot say. Sorted, so that two workers with the same items wait for each other instead of deadlocking.
    package func append(_ messages: [ChatMessage]) async throws(StoreError) {
        guard !messages.isEmpty else { return }
        let document = Self.document(messages)
        do throws(StoreError) {
            try await self.client.storeQuery(
                """
                INSERT INTO chat_messages (
                    event_id, seq, ordinal, created_at, message_id, client_id, sender_id, sender_name,
                    sender_profile_url, message, message_type, attachments, reply_to, edited_at, is_deleted, metadata
                )
                SELECT event_id, seq, ordinal, created_at, message_id, client_id, sender_id, sender_name,
                    sender_profile_url, message, message_type, attachments, reply_to, edited_at, is_deleted, metadata
                FROM jsonb_to_recordset(\(document)) AS item (
                    event_id bigint, seq bigint, ordinal bigint, created_at timestamptz, message_id uuid,
                    client_id uuid, sender_id bigint, sender_name text, sender_profile_url text, message text,
                    message_type text, attachments text[], reply_to uuid, edited_at timestamptz, is_deleted boolean,
                    metadata jsonb
                )
                ORDER BY event_id, seq
                ON CONFLICT DO NOTHING
                """
            )
        } catch .conflict(let constraint) {
            // Every unique key is covered by ON CONFLICT; what is left is one that this version does not know.
            throw .rejected("a unique key refused a message: \(constraint)")
        }
    }

    package func position(event: EventID) async throws(StoreError) -> RoomPosition? {
        let result = try await self.client.storeQuery(
            """
            SELECT seq, ordinal, created_at FROM chat_messages
            WHERE event_id = \(event) ORDER BY seq DESC LIMIT 1
            """
        )
        guard let row = result.first else { return nil }
        do throws(PostgresError) {
            return RoomPosition(
                seq: try row.decode("seq"),
                ordinal: try row.decode("ordinal"),
                createdAt: try row.decode("created_at")
            )
        } catch {
            throw error.asStoreError
        }
    }

    package func page(event: EventID, before seq: Int64?, limit: Int) async throws(StoreError) -> [ChatMessage] {
        let limit = min(max(limit, 1), 200)
        return try await self.messages(
            "WHERE event_id = \(event) AND seq < \(seq ?? .max) ORDER BY seq DESC LIMIT \(Int64(limit))"
        )
    }

    package func page(event: EventID, after seq: Int64, limit: Int) async throws(StoreError) -> [ChatMessage] {
        let limit = min(max(limit, 1), 300)
        return try await self.messages(
            "WHERE event_id = \(event) AND seq > \(seq) ORDER BY seq LIMIT \(Int64(limit))"
        )
    }

    package func message(event: EventID, id: MessageID) async throws(StoreError) -> ChatMessage? {
        try await self.messages("WHERE message_id = \(id) AND event_id = \(event)").first
    }

    package func message(
        event: EventID,
        sender: UserID,
        clientID: ClientMessageID
    ) async throws(StoreError) -> ChatMessage? {
        // Said as IS NULL, because no index serves IS NOT DISTINCT FROM.
        let isSenders: PostgresStatement = sender == .system ? "sender_id IS NULL" : "sender_id = \(sender)"
        return try await self.messages(
            "WHERE event_id = \(event) AND client_id = \(clientID) AND \(isSenders)"
        ).first
    }

    // MARK: Rows

    private func messages(_ condition: PostgresStatement) async throws(StoreError) -> [ChatMessage] {
        let result = try await self.client.storeQuery(
            """
            SELECT event_id, seq, ordinal, created_at, message_id, client_id, sender_id, sender_name,
                sender_profile_url, message, message_type, attachments, reply_to, edited_at, is_deleted, metadata
            FROM chat_messages \(condition)
            """
        )
        do throws(PostgresError) {
            var messages: [ChatMessage] = []
            messages.reserveCapacity(result.count)
            for row in result { messages.append(try Self.message(row)) }
            return messages
        } catch {
            throw error.asStoreError
        }
    }

    private static func message(_ row: PostgresRow) throws(PostgresError) -> ChatMessage {
        let metadata = try row.decode("metadata", as: PostgresJSON.self)
        return ChatMessage(
            eventID: try row.decode("event_id"),
            seq: try row.decode("seq"),
            ordinal: try row.decode("ordinal"),
            createdAt: try row.decode("created_at"),
            messageID: try row.decode("message_id"),
            clientID: try row.decode("client_id"),
            senderID: try row.decode("sender_id", as: UserID?.self) ?? .system,
            senderName: try row.decode("sender_name"),
            senderProfileURL: try row.decode("sender_profile_url"),
            text: try row.decode("message"),
            type: try row.decode("message_type"),
            attachments: try row.decode("attachments"),
            replyTo: try row.decode("reply_to"),
            editedAt: try row.decode("edited_at"),
            isDeleted: try row.decode("is_deleted"),
            metadata: try metadata.strings()
        )
    }

    private static func document(_ messages: [ChatMessage]) -> PostgresJSON {
        var writer = JSONWriter(capacity: messages.count * 512)
        writer.array { writer in
            for message in messages { Self.write(message, to: &writer) }
        }
        return PostgresJSON(String(decoding: writer.bytes, as: UTF8.self))
    }

    private static func write(_ message: ChatMessage, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("event_id", message.eventID.rawValue)
            writer.field("seq", message.seq)
            writer.field("ordinal", message.ordinal)
            writer.field("created_at", message.createdAt)
            writer.field("message_id", message.messageID.rawValue)
            writer.field("client_id", message.clientID?.rawValue)
            writer.field("sender_id", message.senderID == .system ? nil : message.senderID.rawValue)
            writer.field("sender_name", message.senderName)
            writer.field("sender_profile_url", message.senderProfileURL)
            writer.field("message", message.text)
            writer.field("message_type", message.type.rawValue)
            writer.field("attachments", message.attachments)
            writer.field("reply_to", message.replyTo?.rawValue)
            writer.field("edited_at", message.editedAt)
            writer.field("is_deleted", message.isDeleted)
            writer.field("metadata", message.metadata)
        }
    }
}

extension PostgresJSON {
    /// An object of strings; other values are given as their JSON text.
    func strings() throws(PostgresError) -> [String: String] {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONReader.parse([UInt8](self.text.utf8))
        } catch {
            throw PostgresError(.decoding, "not a JSON object: \(error)")
        }
        guard case .object(let members) = value else { throw PostgresError(.decoding, "not a JSON object") }
        return members.mapValues { member in
            if case .string(let text) = member { return text }
            return String(decoding: JSONWriter.bytes(of: member), as: UTF8.self)
        }
    }
}
