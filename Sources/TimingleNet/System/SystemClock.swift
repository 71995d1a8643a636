internal import Glibc

/// The wall clock, as the kernel tells it.
///
/// Any thread.
package enum SystemClock {
    /// Whole seconds since 1970, without leap seconds.
    package static func unixSeconds() -> Int64 { Int64(time(nil)) }

    /// Nanoseconds since 1970, in step with the times of files.
    static func unixNanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
