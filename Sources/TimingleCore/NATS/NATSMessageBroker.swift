/// The rooms' durable log in the stream CHAT_MESSAGES.
///
/// Any thread.
package struct NATSMessageBroker: MessageBroker {
    private let client: JetStreamClient
    private let stream = JetStreamTopology.chatStream

    package init(client: JetStreamClient) { self.client = client }

    package func append(
        event: EventID,
        payload: [UInt8],
        key: String,
        expectedLast: UInt64
    ) async throws(BrokerError) -> BrokerReceipt {
        do throws(NATSError) {
            let ack = try await self.client.publish(
                JetStreamTopology.chatSubject(event),
                payload,
                id: key,
                expectedLast: expectedLast
            )
            return BrokerReceipt(sequence: ack.sequence, isDuplicate: ack.isDuplicate)
        } catch {
            throw error.asBrokerError
        }
    }

    package func last(event: EventID) async throws(BrokerError) -> BrokerItem? {
        do throws(NATSError) {
            return try await self.client.lastMessage(
                stream: self.stream,
                subject: JetStreamTopology.chatSubject(event)
            )
        } catch {
            throw error.asReadError
        }
    }

    package func item(at sequence: UInt64) async throws(BrokerError) -> BrokerItem? {
        do throws(NATSError) {
            return try await self.client.message(stream: self.stream, sequence: sequence)
        } catch {
            throw error.asReadError
        }
    }

    package func next(event: EventID, from sequence: UInt64) async throws(BrokerError) -> BrokerItem? {
        do throws(NATSError) {
            return try await self.client.nextMessage(
                stream: self.stream,
                subject: JetStreamTopology.chatSubject(event),
                from: sequence
            )
        } catch {
            throw error.asReadError
        }
    }
}

/// Publishes committed changes on `event.<type>`.
///
/// Any thread.
package struct NATSChangePublisher: ChangePublisher {
    private let client: JetStreamClient

    package init(client: JetStreamClient) { self.client = client }

    package func publish(_ change: EventChange) async throws(BrokerError) {
        do throws(NATSError) {
            _ = try await self.client.publish(
                JetStreamTopology.changeSubject(change.type),
                ChangeRecord.encode(change),
                id: change.id.description
            )
        } catch {
            throw error.asBrokerError
        }
    }
}

/// Announces items on the core subjects `timingle.room.<event>`.
///
/// Any thread. The payload is the item's place in the stream (8 bytes, big-endian) and the item.
package struct NATSRoomRelay: RoomRelay {
    private let connection: NATSConnection
    private let origin: String

    package init(connection: NATSConnection) {
        self.connection = connection
        self.origin = IdentifierText.random()
    }

    package func announce(event: EventID, item: BrokerItem) {
        var payload: [UInt8] = []
        payload.reserveCapacity(item.payload.count + 8)
        for shift in stride(from: 56, through: 0, by: -8) {
            payload.append(UInt8(truncatingIfNeeded: item.sequence >> UInt64(shift)))
        }
        payload.append(contentsOf: item.payload)
        self.connection.publish(
            NATSOutgoing(
                subject: JetStreamTopology.roomSubject(event),
                payload: payload,
                headers: [("Timingle-Origin", self.origin)]
            )
        )
    }

    package func listen(_ handler: @escaping @Sendable (EventID, BrokerItem) -> Void) {
        let origin = self.origin
        self.connection.subscribe("timingle.room.*") { message in
            guard message.headers["Timingle-Origin"] != origin, message.payload.count > 8,
                let token = message.subject.split(separator: ".").last,
                let event = EventID(text: token)
            else { return }
            let sequence = message.payload.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            handler(event, BrokerItem(sequence: sequence, payload: Array(message.payload.dropFirst(8))))
        }
    }
}

extension NATSError {
    /// What an error means for a publication.
    var asBrokerError: BrokerError {
        switch self.code {
        case .timeout, .closed, .malformedAnswer: .outcomeUnknown(self.description)
        case .disconnected, .noResponders, .overloaded, .library: .unavailable(self.description)
        case .refused:
            switch self.apiCode {
            case APICode.wrongLastSequence, APICode.wrongLastSequenceConstant: .wrongLastSequence
            default: .rejected(self.description)
            }
        }
    }

    /// A read has no outcome that could be unknown.
    var asReadError: BrokerError { .unavailable(self.description) }
}
