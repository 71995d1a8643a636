/// How a stream shall be; what is not here has the server's default.
package struct JetStreamStreamSettings: Sendable, Equatable {
    package var name: String
    package var subjects: [String]
    package var maxAge: Duration
    /// Bytes on disk; -1: no limit of its own.
    package var maxBytes: Int64 = -1
    /// Refuse new messages when full, rather than silently drop old ones.
    package var discardsNew = false
    package var duplicateWindow: Duration = .seconds(120)
    package var replicas = 1
    package var allowsDirect = false

    package init(name: String, subjects: [String], maxAge: Duration) {
        self.name = name
        self.subjects = subjects
        self.maxAge = maxAge
    }

    /// Bodies of STREAM.CREATE and STREAM.UPDATE.
    func json() -> [UInt8] {
        JSONWriter.object { writer in
            writer.field("name", self.name)
            writer.field("subjects", self.subjects)
            writer.field("retention", "limits")
            writer.field("storage", "file")
            writer.field("max_age", self.maxAge.wholeNanoseconds)
            writer.field("max_bytes", self.maxBytes)
            writer.field("max_msgs", -1)
            writer.field("max_consumers", -1)
            writer.field("max_msg_size", -1)
            writer.field("discard", self.discardsNew ? "new" : "old")
            writer.field("duplicate_window", self.duplicateWindow.wholeNanoseconds)
            writer.field("num_replicas", self.replicas)
            writer.field("allow_direct", self.allowsDirect)
        }
    }

    /// Whether the server's `config` object says the same.
    func matches(_ config: [String: JSONValue]) -> Bool {
        config["subjects"] == .array(self.subjects.map { .string($0) })
            && config["max_age"]?.integerValue == self.maxAge.wholeNanoseconds
            && (config["max_bytes"]?.integerValue ?? -1) == self.maxBytes
            && config["discard"] == .string(self.discardsNew ? "new" : "old")
            && config["duplicate_window"]?.integerValue == self.duplicateWindow.wholeNanoseconds
            && config["num_replicas"]?.integerValue == Int64(self.replicas)
            && (config["allow_direct"] ?? .bool(false)) == .bool(self.allowsDirect)
    }
}

/// The streams of the product (`architecture-brief.md`, Real time).
package enum JetStreamTopology {
    package static let chatStream = "CHAT_MESSAGES"
    package static let eventStream = "EVENTS"
    package static let deadLetterStream = "CHAT_DEADLETTER"

    package static func chatSubject(_ event: EventID) -> String { "chat.message.\(event.rawValue)" }
    package static func roomSubject(_ event: EventID) -> String { "timingle.room.\(event.rawValue)" }
    package static func signalSubject(_ signal: RoomSignal) -> String {
        switch signal {
        case .evicted(let event, _): "timingle.evict.\(event.rawValue)"
        case .typing(let event, _, _): "timingle.typing.\(event.rawValue)"
        }
    }
    package static func changeSubject(_ type: ChangeType) -> String { "event.\(type.subjectToken)" }

    package static func streams(replicas: Int = 1, chatBytesMax: Int64 = -1) -> [JetStreamStreamSettings] {
        var chat = JetStreamStreamSettings(name: chatStream, subjects: ["chat.message.*"], maxAge: .hours(24))
        chat.maxBytes = chatBytesMax
        chat.discardsNew = true
        chat.allowsDirect = true
        chat.replicas = replicas
        var events = JetStreamStreamSettings(name: eventStream, subjects: ["event.*"], maxAge: .hours(24 * 7))
        events.replicas = replicas
        var dead = JetStreamStreamSettings(name: deadLetterStream, subjects: ["deadletter.>"], maxAge: .hours(24 * 30))
        dead.maxBytes = 256 << 20
        dead.replicas = replicas
        return [chat, events, dead]
    }
}

/// How a durable pull consumer shall be.
package struct JetStreamConsumerSettings: Sendable, Equatable {
    package var stream: String
    package var durable: String
    package var ackWait: Duration = .seconds(30)
    package var ackPendingMax = 1_000

    package init(stream: String, durable: String) {
        self.stream = stream
        self.durable = durable
    }

    /// Body of CONSUMER.DURABLE.CREATE.
    func json() -> [UInt8] {
        JSONWriter.object { writer in
            writer.field("stream_name", self.stream)
            writer.field(
                "config",
                object: { writer in
                    writer.field("durable_name", self.durable)
                    writer.field("deliver_policy", "all")
                    writer.field("ack_policy", "explicit")
                    writer.field("ack_wait", self.ackWait.wholeNanoseconds)
                    writer.field("max_deliver", -1)
                    writer.field("max_ack_pending", self.ackPendingMax)
                    writer.field("replay_policy", "instant")
                }
            )
        }
    }
}

extension Duration {
    static func hours(_ count: Int) -> Duration { .seconds(count * 3_600) }
}
