/// A moment: milliseconds since 1970, earlier ones negative.
///
/// A value.
package struct CQLTimestamp: Hashable, Sendable, Comparable {
    package let milliseconds: Int64
    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    package static func < (left: CQLTimestamp, right: CQLTimestamp) -> Bool { left.milliseconds < right.milliseconds }
}

/// A day: days since 1 January 1970, earlier ones negative.
///
/// A value. It travels as an unsigned number whose middle is 1970.
package struct CQLDate: Hashable, Sendable, Comparable {
    package let days: Int32
    package init(days: Int32) { self.days = days }

    var wire: UInt32 { UInt32(bitPattern: self.days) &+ 0x8000_0000 }
    init(wire: UInt32) { self.days = Int32(bitPattern: wire &- 0x8000_0000) }

    package static func < (left: CQLDate, right: CQLDate) -> Bool { left.days < right.days }
}

/// A time of day: nanoseconds since midnight.
///
/// A value; what is beyond a day is refused where it is encoded.
package struct CQLTime: Hashable, Sendable, Comparable {
    package static let nanosecondsPerDay: Int64 = 86_400_000_000_000

    package let nanoseconds: Int64
    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    var isInDay: Bool { (0..<Self.nanosecondsPerDay).contains(self.nanoseconds) }

    package static func < (left: CQLTime, right: CQLTime) -> Bool { left.nanoseconds < right.nanoseconds }
}
