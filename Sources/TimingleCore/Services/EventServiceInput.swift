/// An event as a client describes it, before anything was checked.
package struct EventDraft: Sendable, Equatable {
    package var title: String
    package var description: String?
    package var location: String?
    package var startTime: Timestamp
    package var endTime: Timestamp
    package var participantIDs: [Int64]

    package init(
        title: String,
        description: String? = nil,
        location: String? = nil,
        startTime: Timestamp,
        endTime: Timestamp,
        participantIDs: [Int64] = []
    ) {
        self.title = title
        self.description = description
        self.location = location
        self.startTime = startTime
        self.endTime = endTime
        self.participantIDs = participantIDs
    }
}

/// Who of those named at creation was invited, each in the order of the request.
package struct InviteOutcome: Sendable, Equatable {
    package var invited: [UserID]
    /// Unknown, inactive, or not to be invited by this person: which of them is not told.
    package var failed: [UserID]

    package init(invited: [UserID], failed: [UserID]) {
        self.invited = invited
        self.failed = failed
    }
}

/// The rules for the fields of an event.
///
/// Lengths are counted in Unicode scalars, as PostgreSQL counts characters.
enum EventInput {
    static let titleMax = 200
    static let descriptionMax = 5_000
    static let locationMax = 200
    static let reasonMax = 500

    /// Trimmed, 1 to 200 characters.
    static func title(_ text: String) throws(ServiceError) -> String {
        let trimmed = text.trimmedOfWhiteSpace()
        guard trimmed.showsSomething else {
            throw .invalid("title", ko: "제목을 입력해 주세요.", en: "title must not be empty.")
        }
        return try Self.bounded(trimmed, field: "title", max: Self.titleMax)
    }

    /// At most 5,000 characters; a blank one is none.
    static func description(_ text: String?) throws(ServiceError) -> String? {
        guard let text, text.showsSomething else { return nil }
        return try Self.bounded(text, field: "description", max: Self.descriptionMax)
    }

    /// Trimmed, at most 200 characters; a blank one is none.
    static func location(_ text: String?) throws(ServiceError) -> String? {
        guard let trimmed = text?.trimmedOfWhiteSpace(), trimmed.showsSomething else { return nil }
        return try Self.bounded(trimmed, field: "location", max: Self.locationMax)
    }

    /// Trimmed, at most 500 characters; a blank one is none.
    static func reason(_ text: String?) throws(ServiceError) -> String? {
        guard let trimmed = text?.trimmedOfWhiteSpace(), trimmed.showsSomething else { return nil }
        return try Self.bounded(trimmed, field: "reason", max: Self.reasonMax)
    }

    static func checkTimes(start: Timestamp, end: Timestamp) throws(ServiceError) {
        guard end >= start else {
            throw .invalid(
                "end_time",
                ko: "종료 시간은 시작 시간보다 빠를 수 없습니다.",
                en: "end_time must not be before start_time."
            )
        }
    }

    /// The same patch with its texts trimmed.
    static func patch(_ patch: EventPatch) throws(ServiceError) -> EventPatch {
        var checked = patch
        if let title = patch.title { checked.title = try Self.title(title) }
        if let description = patch.description { checked.description = .some(try Self.description(description)) }
        if let location = patch.location { checked.location = .some(try Self.location(location)) }
        if let start = patch.startTime, let end = patch.endTime { try Self.checkTimes(start: start, end: end) }
        return checked
    }

    private static func bounded(_ text: String, field: String, max: Int) throws(ServiceError) -> String {
        guard !text.utf8.contains(0) else {
            throw .invalid(
                field,
                ko: "사용할 수 없는 문자가 포함되어 있습니다: \(field)",
                en: "\(field) must not contain a NUL character."
            )
        }
        guard text.unicodeScalars.count <= max else {
            throw .invalid(
                field,
                ko: "\(max)자를 넘을 수 없습니다: \(field)",
                en: "\(field) must have at most \(max) characters."
            )
        }
        return text
    }
}
