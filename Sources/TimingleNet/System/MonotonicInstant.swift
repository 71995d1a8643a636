internal import Glibc

/// A point in time of this boot, in nanoseconds (CLOCK_MONOTONIC).
///
/// A value of eight plain bytes. `MonotonicInstant` says the same, but it is a library's opaque type: each enum or
/// struct that holds one is copied and compared through run-time metadata, which a frame or a request feels.
package struct MonotonicInstant: Comparable, Hashable, Sendable {
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Reads the clock.
    package static var now: MonotonicInstant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicInstant(nanoseconds: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
    }

    package static func < (left: MonotonicInstant, right: MonotonicInstant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// Later by `duration`, which may be negative; an instant out of range is the last, or the first, that there is.
    package static func + (instant: MonotonicInstant, duration: Duration) -> MonotonicInstant {
        let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(duration.wholeNanoseconds)
        return MonotonicInstant(nanoseconds: overflow ? (duration < .zero ? .min : .max) : sum)
    }

    /// Like `+`, for who adds the same again and again: a `Duration` is divided by 128 bits each time.
    func later(byNanoseconds nanoseconds: Int64) -> MonotonicInstant {
        let (sum, overflow) = self.nanoseconds.addingReportingOverflow(nanoseconds)
        return MonotonicInstant(nanoseconds: overflow ? (nanoseconds < 0 ? .min : .max) : sum)
    }

    package static func - (instant: MonotonicInstant, duration: Duration) -> MonotonicInstant {
        let (rest, overflow) = instant.nanoseconds.subtractingReportingOverflow(duration.wholeNanoseconds)
        return MonotonicInstant(nanoseconds: overflow ? (duration < .zero ? .max : .min) : rest)
    }

    package static func - (later: MonotonicInstant, earlier: MonotonicInstant) -> Duration {
        earlier.duration(to: later)
    }

    package static func += (instant: inout MonotonicInstant, duration: Duration) { instant = instant + duration }

    /// From here to `other`; negative where `other` is earlier.
    package func duration(to other: MonotonicInstant) -> Duration {
        let (difference, overflow) = other.nanoseconds.subtractingReportingOverflow(self.nanoseconds)
        return .nanoseconds(overflow ? (other < self ? .min : .max) : difference)
    }
}

extension Duration {
    /// Rounded towards zero; one that is out of range is the longest that there is.
    var wholeNanoseconds: Int64 { Int64(clamping: self.attoseconds / 1_000_000_000) }
}
