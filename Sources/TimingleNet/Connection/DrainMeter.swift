/// Whether a peer whose kernel is full takes what is queued for it, and fast enough.
///
/// Loop-confined. No I/O and no clock inside: time and counts arrive as arguments. It begins anew with each stall, and
/// is asked only when a timer fires: twice in the write deadline, or when patience runs out.
///
/// Patience is a bucket of time. It begins with one write deadline, is spent as time passes, and is filled by what the
/// peer takes, at the least rate that is asked for, never beyond one write deadline. So nobody can earn a long stall by
/// having been fast before, and the mean over any write deadline has to be at the rate.
struct DrainMeter {
    enum Verdict: Equatable {
        case lookAgain(at: MonotonicInstant)
        case tooSlow
    }

    private var patience: Duration
    private var lastLook: MonotonicInstant
    private var lastProgress: MonotonicInstant
    /// Bytes that the kernel took since the last look.
    private var handedOverBytes = 0
    /// What the kernel had not brought across yet at the last look; nil before the first, or where it cannot tell.
    private var unacknowledgedBytes: Int?

    /// The kernel became full.
    init(stalledAt now: MonotonicInstant, writeDeadline: Duration) {
        self.patience = writeDeadline
        self.lastLook = now
        self.lastProgress = now
    }

    mutating func handedOver(_ count: Int, now: MonotonicInstant) {
        guard count > 0 else { return }
        self.handedOverBytes += count
        self.lastProgress = now
    }

    /// When the first look is due.
    func firstLook(writeDeadline: Duration) -> MonotonicInstant { self.lastLook + writeDeadline / 2 }

    /// Looks, and says when to look again.
    ///
    /// `unacknowledged` is what the kernel still holds: it may hold megabytes that a slow but honest peer takes one
    /// after the other while the kernel wants no more from us.
    mutating func look(now: MonotonicInstant, unacknowledged: Int?, limits: StreamLimits) -> Verdict {
        var taken = self.handedOverBytes
        self.handedOverBytes = 0
        if let before = self.unacknowledgedBytes, let after = unacknowledged {
            taken += before - after
            // When it came across, nobody saw.
            if before > after { self.lastProgress = now }
        }
        self.unacknowledgedBytes = unacknowledged
        let rate = limits.writeBytesPerSecondMin
        if rate > 0 {
            let earned = Duration.seconds(Double(max(0, taken)) / Double(rate))
            self.patience = min(limits.writeDeadline, self.patience - self.lastLook.duration(to: now) + earned)
        }
        self.lastLook = now
        let silence = self.lastProgress.duration(to: now)
        guard silence < limits.writeDeadline, self.patience > .zero else { return .tooSlow }
        let next = min(limits.writeDeadline / 2, limits.writeDeadline - silence, self.patience)
        return .lookAgain(at: now + max(next, .milliseconds(1)))
    }
}

/// Holds the meter outside of the connection, which most of the time needs none.
///
/// Loop-confined.
final class DrainMeterBox {
    var meter: DrainMeter
    init(_ meter: DrainMeter) { self.meter = meter }
}
