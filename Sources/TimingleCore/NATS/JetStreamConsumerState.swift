/// How far a durable consumer is.
///
/// A value.
package struct JetStreamConsumerState: Sendable, Equatable {
    /// Everything up to here is settled.
    package var settledUpTo: UInt64
    /// The last place of the stream that somebody was given.
    package var deliveredUpTo: UInt64
    /// How many messages nobody was given yet.
    package var pending: Int64
    /// How many wait for their acknowledgement.
    package var unacknowledged: Int64

    package init(settledUpTo: UInt64, deliveredUpTo: UInt64, pending: Int64 = 0, unacknowledged: Int64 = 0) {
        self.settledUpTo = settledUpTo
        self.deliveredUpTo = deliveredUpTo
        self.pending = pending
        self.unacknowledged = unacknowledged
    }

    /// Reads the answer of CONSUMER.INFO; nil when it does not tell the positions.
    init?(_ info: [String: JSONValue]) {
        guard let settled = Self.place(info["ack_floor"]), let delivered = Self.place(info["delivered"]) else {
            return nil
        }
        self.init(
            settledUpTo: settled,
            deliveredUpTo: delivered,
            pending: max(0, info["num_pending"]?.integerValue ?? 0),
            unacknowledged: max(0, info["num_ack_pending"]?.integerValue ?? 0)
        )
    }

    private static func place(_ value: JSONValue?) -> UInt64? {
        guard case .object(let fields)? = value, let place = fields["stream_seq"]?.integerValue else { return nil }
        return UInt64(exactly: place)
    }

    /// Where messages lie that somebody was given and did not settle; settled ones lie between them.
    package var unsettled: ClosedRange<UInt64>? {
        guard self.unacknowledged > 0, self.settledUpTo < self.deliveredUpTo else { return nil }
        return (self.settledUpTo + 1)...self.deliveredUpTo
    }

    /// The place up to which nothing will wait any more once all that waits now is settled.
    ///
    /// A stream with holes goes farther.
    package var end: UInt64 { self.deliveredUpTo.addingReportingOverflow(UInt64(self.pending)).partialValue }
}
