internal import Synchronization

/// Which loops have members of one room, and how many members there are in all.
///
/// Any thread: read without a lock, changed under the lock of its stripe.
final class RoomPresence: Sendable {
    private let loopBits = Atomic<UInt64>(0)
    private let memberCount = Atomic<Int>(0)
    private let compressingCount = Atomic<Int>(0)

    /// Of a room that nobody is in.
    static let nobody = RoomPresence()

    /// The indices of the loops that have members.
    var loops: LoopSet { LoopSet(bits: self.loopBits.load(ordering: .acquiring)) }
    var members: Int { self.memberCount.load(ordering: .relaxed) }

    /// True when a compressed form of a publication is of use.
    var hasCompressingMembers: Bool { self.compressingCount.load(ordering: .relaxed) > 0 }

    func joined(loop: Int, compresses: Bool = false) {
        if compresses { self.compressingCount.add(1, ordering: .relaxed) }
        self.memberCount.add(1, ordering: .relaxed)
        self.loopBits.bitwiseOr(1 << UInt64(loop), ordering: .releasing)
    }

    /// Returns true when nobody is left.
    func left(loop: Int, loopIsEmpty: Bool, compresses: Bool = false) -> Bool {
        if compresses { self.compressingCount.subtract(1, ordering: .relaxed) }
        if loopIsEmpty { self.loopBits.bitwiseAnd(~(1 << UInt64(loop)), ordering: .releasing) }
        return self.memberCount.subtract(1, ordering: .relaxed).newValue == 0
    }

    /// Up to 64 small numbers.
    struct LoopSet: Sequence, IteratorProtocol, Equatable {
        var bits: UInt64

        init(bits: UInt64) { self.bits = bits }

        init(only index: Int) { self.bits = 1 << UInt64(index) }

        var isEmpty: Bool { self.bits == 0 }

        mutating func remove(_ index: Int) { self.bits &= ~(1 << UInt64(index)) }

        mutating func next() -> Int? {
            guard self.bits != 0 else { return nil }
            let index = self.bits.trailingZeroBitCount
            self.bits &= self.bits &- 1
            return index
        }
    }
}
