/// Announces items and signals on the core subjects `timingle.{room,evict,typing}.<event>`.
///
/// Any thread. An item's payload is its place in the stream (8 bytes, big-endian) and the item; a signal's is JSON.
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

    /// Each time the connection has been made: what was announced before is not repeated.
    ///
    /// The server has our subscriptions before anything that `handler` asks it.
    package func listen(losses handler: @escaping @Sendable () -> Void) { self.connection.onConnected(handler) }

    package func signal(_ signal: RoomSignal) {
        let payload = JSONWriter.object { writer in
            switch signal {
            case .evicted(_, let user):
                writer.field("user_id", user.rawValue)
            case .typing(_, let user, let name):
                writer.field("user_id", user.rawValue)
                writer.field("name", name)
            }
        }
        self.connection.publish(
            NATSOutgoing(
                subject: JetStreamTopology.signalSubject(signal),
                payload: payload,
                headers: [("Timingle-Origin", self.origin)]
            )
        )
    }

    package func listen(signals handler: @escaping @Sendable (RoomSignal) -> Void) {
        self.hear("timingle.evict.*") { event, user, _ in handler(.evicted(event, user)) }
        self.hear("timingle.typing.*") { event, user, fields in
            guard let name = fields.text("name") else { return }
            handler(.typing(event, user, name: name))
        }
    }

    private static let signalBytesMax = 4_096

    private func hear(
        _ subject: String,
        _ handler: @escaping @Sendable (EventID, UserID, [String: JSONValue]) -> Void
    ) {
        let origin = self.origin
        self.connection.subscribe(subject) { message in
            guard message.headers["Timingle-Origin"] != origin, message.payload.count <= Self.signalBytesMax,
                let token = message.subject.split(separator: ".").last,
                let event = EventID(text: token),
                case .object(let fields)? = try? JSONReader.parse(message.payload),
                let user = fields["user_id"]?.integerValue, user > 0
            else { return }
            handler(event, UserID(rawValue: user), fields)
        }
    }
}
