internal import Glibc

/// The wall clock, as the kernel tells it.
///
/// Any thread.
package enum SystemClock {
    /// Whole seconds since 1970, without leap seconds.
    package static func unixSeconds() -> Int64 { Int64(time(nil)) }
}
