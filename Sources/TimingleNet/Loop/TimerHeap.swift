/// Names one scheduled deadline; stale tokens are recognised by their generation.
package struct TimerToken: Hashable, Sendable {
    let slot: UInt32
    let generation: UInt32
}

/// Deadlines of one loop: a binary heap whose entries know their place, so cancelling is O(log n).
///
/// Loop-confined. No clock inside: time arrives as nanoseconds of the owner's choosing.
struct TimerHeap {
    private struct Slot {
        var generation: UInt32
        /// Place in `heap`, or -1 while the slot is free.
        var heapIndex: Int
        var action: (() -> Void)?
    }

    private struct Node {
        var deadline: Int64
        /// Orders equal deadlines by the time of scheduling.
        var sequence: UInt64
        var slot: Int

        static func < (left: Node, right: Node) -> Bool {
            left.deadline != right.deadline ? left.deadline < right.deadline : left.sequence < right.sequence
        }
    }

    private var heap: [Node] = []
    private var slots: [Slot] = []
    private var freeSlots: [Int] = []
    private var sequence: UInt64 = 0

    var count: Int { self.heap.count }
    var nextDeadline: Int64? { self.heap.first?.deadline }

    mutating func schedule(at deadline: Int64, _ action: @escaping () -> Void) -> TimerToken {
        let slot: Int
        if let free = self.freeSlots.popLast() {
            slot = free
        } else {
            slot = self.slots.count
            self.slots.append(Slot(generation: 0, heapIndex: -1, action: nil))
        }
        self.slots[slot].action = action
        self.slots[slot].heapIndex = self.heap.count
        self.sequence += 1
        self.heap.append(Node(deadline: deadline, sequence: self.sequence, slot: slot))
        self.siftUp(self.heap.count - 1)
        return TimerToken(slot: UInt32(slot), generation: self.slots[slot].generation)
    }

    /// Cancels a deadline; false if it has fired or was cancelled before.
    @discardableResult
    mutating func cancel(_ token: TimerToken) -> Bool {
        let slot = Int(token.slot)
        guard
            slot < self.slots.count,
            self.slots[slot].generation == token.generation,
            self.slots[slot].heapIndex >= 0
        else { return false }
        self.remove(at: self.slots[slot].heapIndex)
        return true
    }

    /// Takes out the earliest action whose deadline is not after `now`.
    mutating func popExpired(now: Int64) -> (() -> Void)? {
        guard let first = self.heap.first, first.deadline <= now else { return nil }
        let action = self.slots[first.slot].action
        self.remove(at: 0)
        return action
    }

    private mutating func remove(at index: Int) {
        let slot = self.heap[index].slot
        self.slots[slot].action = nil
        self.slots[slot].heapIndex = -1
        self.slots[slot].generation &+= 1
        self.freeSlots.append(slot)
        let last = self.heap.removeLast()
        guard index < self.heap.count else { return }
        self.heap[index] = last
        self.slots[last.slot].heapIndex = index
        self.siftUp(index)
        self.siftDown(self.slots[last.slot].heapIndex)
    }

    private mutating func siftUp(_ start: Int) {
        var index = start
        let node = self.heap[index]
        while index > 0 {
            let parent = (index - 1) / 2
            guard node < self.heap[parent] else { break }
            self.place(self.heap[parent], at: index)
            index = parent
        }
        self.place(node, at: index)
    }

    private mutating func siftDown(_ start: Int) {
        var index = start
        let node = self.heap[index]
        while true {
            var child = 2 * index + 1
            guard child < self.heap.count else { break }
            if child + 1 < self.heap.count, self.heap[child + 1] < self.heap[child] { child += 1 }
            guard self.heap[child] < node else { break }
            self.place(self.heap[child], at: index)
            index = child
        }
        self.place(node, at: index)
    }

    private mutating func place(_ node: Node, at index: Int) {
        self.heap[index] = node
        self.slots[node.slot].heapIndex = index
    }
}
