internal import FoundationEssentials
// Brings the rules of the zones: without it FoundationEssentials knows no zone but GMT. It carries its own copy of the
// time zone database, so nothing hangs on the machine's. The only place where it is imported.
internal import FoundationInternationalization

/// A stretch of the calendar around a moment, as people in a time zone mean it.
///
/// A value.
package enum LocalPeriod: String, Sendable, CaseIterable {
    /// From midnight to midnight; 23 or 25 hours where clocks are changed.
    case today
    /// From Monday to Monday.
    case week
    /// From the first to the first.
    case month

    /// The period's first instant and that of the next period; a zone that nobody knows counts as UTC.
    package func bounds(at now: Timestamp, zone: String) -> Range<Timestamp>? {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(identifier: zone) ?? .gmt
        // ISO 8601: weeks begin on Monday.
        calendar.firstWeekday = 2
        let date = Date(timeIntervalSince1970: Double(now.milliseconds) / 1_000)
        guard let interval = calendar.dateInterval(of: self.component, for: date) else { return nil }
        let (start, end) = (Self.timestamp(interval.start), Self.timestamp(interval.end))
        return start < end ? start..<end : nil
    }

    private var component: Calendar.Component {
        switch self {
        case .today: .day
        case .week: .weekOfYear
        case .month: .month
        }
    }

    private static func timestamp(_ date: Date) -> Timestamp {
        Timestamp(milliseconds: Int64((date.timeIntervalSince1970 * 1_000).rounded()))
    }
}
