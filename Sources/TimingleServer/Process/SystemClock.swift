internal import Glibc
internal import TimingleCore

/// The machine's clock.
///
/// Any thread.
struct SystemClock: WallClock {
    func now() -> Timestamp {
        var time = timespec()
        // SAFETY: the pointer lives during the call; CLOCK_REALTIME cannot fail.
        _ = clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }
}
