/// Makes the evidence of changes: entries whose identifiers carry their time, and values as JSON text.
///
/// A change's identifiers are version 7 UUIDs of exactly `changedAt`, counted up within the change. So (time,
/// identifier) orders an event's history as it happened, and an identifier alone is a cursor into it.
struct EventEvidence {
    /// One field that changed; nil stands for null.
    struct Line: Equatable {
        let field: String?
        let old: String?
        let new: String?
    }

    let requester: Requester

    /// `lines` must not be empty, and are at most 4,096.
    func change(
        _ type: ChangeType,
        of event: EventID,
        at time: Timestamp,
        subjectName: String? = nil,
        metadata extra: [String: String] = [:],
        _ lines: [Line]
    ) -> EventChange {
        precondition(!lines.isEmpty && lines.count <= 4_096, "a change has 1 to 4,096 entries")
        let metadata = self.origin.merging(extra) { _, new in new }
        let entries = lines.enumerated().map { index, line in
            HistoryEntry(
                changeID: Self.changeID(at: time, index: index),
                eventID: event,
                actorID: self.requester.userID,
                actorName: self.requester.name,
                changeType: type,
                fieldName: line.field,
                oldValue: line.old,
                newValue: line.new,
                changedAt: time,
                metadata: metadata
            )
        }
        return EventChange(
            id: entries[0].changeID,
            eventID: event,
            type: type,
            language: self.requester.language,
            changedAt: time,
            entries: entries,
            subjectName: subjectName
        )
    }

    /// The time that a change's identifier carries; nil when it is not one of ours.
    static func time(of id: ChangeID) -> Timestamp? {
        let value = id.rawValue
        guard (value.high >> 12) & 0x0f == 7, value.low >> 62 == 2 else { return nil }
        return Timestamp(milliseconds: Int64(value.high >> 16))
    }

    private static func changeID(at time: Timestamp, index: Int) -> ChangeID {
        let random = (UInt64(index), SecureRandom.word())
        return ChangeID(rawValue: .version7(milliseconds: max(time.milliseconds, 0), random: random))
    }

    /// From where the request came; cut, because a client chooses its user agent.
    private var origin: [String: String] {
        var origin: [String: String] = [:]
        origin["ip_address"] = self.requester.ipAddress.map { Self.harmless($0, max: 64) }
        origin["user_agent"] = self.requester.userAgent.map { Self.harmless($0, max: 512) }
        return origin
    }

    private static func harmless(_ text: String, max: Int) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.lazy.filter { $0.value != 0 }.prefix(max)))
    }
}

/// Values of history entries: JSON text, nil for null.
enum EventValue {
    static func text(_ value: String?) -> String? {
        guard let value else { return nil }
        return Self.json { $0.string(value) }
    }

    static func time(_ value: Timestamp) -> String? { Self.text(value.description) }

    static func status(_ value: EventStatus) -> String? { Self.text(value.rawValue) }

    static func participant(_ value: Participant) -> String {
        Self.json { Self.write(value, to: &$0) }
    }

    static func participants(_ values: [Participant]) -> String {
        Self.json { writer in
            writer.array { writer in
                for value in values { Self.write(value, to: &writer) }
            }
        }
    }

    /// The first fields of an event.
    static func initial(_ event: NewEvent, invited: [Participant]) -> String {
        Self.json { writer in
            writer.object { writer in
                writer.field("title", event.title)
                writer.field("description", event.description)
                writer.field("location", event.location)
                writer.field("start_time", event.startTime)
                writer.field("end_time", event.endTime)
                writer.field("status", EventStatus.proposed.rawValue)
                writer.field(
                    "participants",
                    array: { writer in
                        for person in invited { Self.write(person, to: &writer) }
                    }
                )
            }
        }
    }

    private static func write(_ participant: Participant, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("id", participant.userID.rawValue)
            writer.field("name", participant.name)
            writer.field("status", participant.status.rawValue)
        }
    }

    private static func json(_ body: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        body(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
