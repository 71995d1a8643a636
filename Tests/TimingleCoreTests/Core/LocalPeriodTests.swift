import Testing

@testable import TimingleCore

struct LocalPeriodTests {
    private func bounds(_ period: LocalPeriod, _ now: String, _ zone: String) throws -> [String] {
        let now = try #require(Timestamp(rfc3339: now))
        let bounds = try #require(period.bounds(at: now, zone: zone))
        #expect(bounds.contains(now))
        return [bounds.lowerBound.description, bounds.upperBound.description].map { text in
            text.replacing(":00.000Z", with: "Z")
        }
    }

    @Test(arguments: [
        // 24 hours from local midnight; the last millisecond belongs to the day, the next does not.
        ("UTC", "2026-03-08T23:59:59.999Z", "2026-03-08T00:00Z", "2026-03-09T00:00Z"),
        ("UTC", "2026-03-09T00:00:00Z", "2026-03-09T00:00Z", "2026-03-10T00:00Z"),
        ("Asia/Seoul", "2026-03-08T14:59:59.999Z", "2026-03-07T15:00Z", "2026-03-08T15:00Z"),
        ("Asia/Seoul", "2026-03-08T15:00:00Z", "2026-03-08T15:00Z", "2026-03-09T15:00Z"),
        // Clocks go forward at 2: 23 hours.
        ("America/New_York", "2026-03-08T06:59:59Z", "2026-03-08T05:00Z", "2026-03-09T04:00Z"),
        ("America/New_York", "2026-03-08T07:00:00Z", "2026-03-08T05:00Z", "2026-03-09T04:00Z"),
        // And back at 2: 25 hours, and 1:30 comes twice.
        ("America/New_York", "2026-11-01T05:30:00Z", "2026-11-01T04:00Z", "2026-11-02T05:00Z"),
        ("America/New_York", "2026-11-01T06:30:00Z", "2026-11-01T04:00Z", "2026-11-02T05:00Z"),
        // A midnight that is left out: the day begins at 1.
        ("Africa/Cairo", "2026-04-24T12:00:00Z", "2026-04-23T22:00Z", "2026-04-24T21:00Z"),
        ("Asia/Kathmandu", "2026-01-15T18:14:00Z", "2026-01-14T18:15Z", "2026-01-15T18:15Z"),
    ])
    func todayIsTheLocalDay(zone: String, now: String, start: String, end: String) throws {
        let bounds = try self.bounds(.today, now, zone)
        #expect(bounds == [start, end])
    }

    @Test(arguments: [
        ("UTC", "2026-01-01T00:00:00Z", "2025-12-29T00:00Z", "2026-01-05T00:00Z"),
        // Sunday evening in Seoul is the week's end, though it is Sunday noon in London.
        ("Asia/Seoul", "2026-03-08T14:59:59Z", "2026-03-01T15:00Z", "2026-03-08T15:00Z"),
        ("Asia/Seoul", "2026-03-08T15:00:00Z", "2026-03-08T15:00Z", "2026-03-15T15:00Z"),
        // The week of the change has 167 hours, the next one begins an hour earlier.
        ("America/New_York", "2026-03-04T12:00:00Z", "2026-03-02T05:00Z", "2026-03-09T04:00Z"),
        ("America/New_York", "2026-10-28T12:00:00Z", "2026-10-26T04:00Z", "2026-11-02T05:00Z"),
    ])
    func weeksBeginOnMonday(zone: String, now: String, start: String, end: String) throws {
        let bounds = try self.bounds(.week, now, zone)
        #expect(bounds == [start, end])
    }

    @Test(arguments: [
        ("UTC", "2028-02-29T23:00:00Z", "2028-02-01T00:00Z", "2028-03-01T00:00Z"),
        ("Asia/Seoul", "2025-12-31T15:00:00Z", "2025-12-31T15:00Z", "2026-01-31T15:00Z"),
        ("America/New_York", "2026-03-31T12:00:00Z", "2026-03-01T05:00Z", "2026-04-01T04:00Z"),
        ("America/New_York", "2026-11-15T12:00:00Z", "2026-11-01T04:00Z", "2026-12-01T05:00Z"),
    ])
    func monthsBeginOnTheFirst(zone: String, now: String, start: String, end: String) throws {
        let bounds = try self.bounds(.month, now, zone)
        #expect(bounds == [start, end])
    }

    @Test func aZoneThatNobodyKnowsCountsAsUTC() throws {
        let bounds = try self.bounds(.today, "2026-03-08T23:00:00Z", "Mars/Olympus")
        #expect(bounds == ["2026-03-08T00:00Z", "2026-03-09T00:00Z"])
    }
}
