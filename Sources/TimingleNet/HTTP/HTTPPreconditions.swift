/// What tells one state of a representation from another.
///
/// A value.
struct HTTPValidators: Equatable, Sendable {
    var tag: HTTPEntityTag
    /// Last-Modified, seconds since 1970.
    var modified: Int64
}

/// The conditions under which a request wants to be done (RFC 9110 section 13), on something that exists.
///
/// No state. Time arrives as an argument.
enum HTTPPreconditions {
    enum Outcome: Equatable {
        case perform
        /// 304.
        case notModified
        /// 412.
        case failed
    }

    /// Asks the conditions in the order of section 13.2.2, of which If-Range is the last: see `honoursRange`.
    static func evaluate(
        _ fields: HTTPFields,
        method: HTTPMethod,
        _ current: HTTPValidators,
        now: Int64
    ) -> Outcome {
        if let value = fields["If-Match"] {
            guard Self.matches(value, { $0.matchesStrongly(current.tag) }) else { return .failed }
        } else if let since = Self.date(fields["If-Unmodified-Since"], now) {
            guard current.modified <= since else { return .failed }
        }
        let isRead = method == .get || method == .head
        if let value = fields["If-None-Match"] {
            guard Self.matches(value, { $0.matchesWeakly(current.tag) }) else { return .perform }
            return isRead ? .notModified : .failed
        }
        if isRead, let since = Self.date(fields["If-Modified-Since"], now), current.modified <= since {
            return .notModified
        }
        return .perform
    }

    /// True when Range counts: it was given with GET, and what the client has parts of is what there is.
    ///
    /// A date as validator has to be the very one, and older than the last second: within a second there may have been
    /// two states (section 8.8.2.2).
    static func honoursRange(_ fields: HTTPFields, method: HTTPMethod, _ current: HTTPValidators, now: Int64) -> Bool {
        guard method == .get, fields.contains("Range") else { return false }
        guard let value = fields["If-Range"] else { return true }
        if let tag = HTTPEntityTag(value) { return tag.matchesStrongly(current.tag) }
        guard let date = Self.date(value, now) else { return false }
        return date == current.modified && date < now - 1
    }

    private static func matches(_ value: String, _ isMatch: (HTTPEntityTag) -> Bool) -> Bool {
        switch HTTPEntityTag.List(value) {
        case .any: true
        case .tags(let tags): tags.contains(where: isMatch)
        }
    }

    /// Nil for a missing value, and for one that is no date: such a condition is to be ignored.
    private static func date(_ value: String?, _ now: Int64) -> Int64? {
        guard let value else { return nil }
        return HTTPDate.parse(String(decoding: Array(value.utf8).trimmingHTTPWhitespace(), as: UTF8.self), now: now)
    }
}
