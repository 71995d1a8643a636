internal import TimingleNet

/// Looks after many rooms, a few at a time and each once, in the order in which it was asked for.
///
/// Loop-confined. What waits is bounded by the loop's rooms.
final class RoomLooks {
    private let loop: EventLoop
    private let atOnceMax: Int
    /// Looks at one room, on the loop; answers whether there is more to see than one look shows.
    private let look: (EventID) async -> Bool
    private var queue: [EventID] = []
    /// Where the queue begins.
    private var first = 0
    private var waiting: Set<EventID> = []
    private var running = 0

    init(loop: EventLoop, atOnceMax: Int, look: @escaping (EventID) async -> Bool) {
        precondition(atOnceMax > 0, "somebody has to look")
        self.loop = loop
        self.atOnceMax = atOnceMax
        self.look = look
    }

    /// Asks for a look that begins after this call; false when one is waiting already.
    @discardableResult
    func request(_ event: EventID) -> Bool {
        guard self.waiting.insert(event).inserted else { return false }
        self.queue.append(event)
        guard self.running < self.atOnceMax else { return true }
        self.running += 1
        let bound = LoopBound(self, on: self.loop)
        Task(executorPreference: self.loop) { await bound.value.run() }
        return true
    }

    private func run() async {
        while let event = self.next() {
            // Behind the others: one room's thousand items must not keep thousand rooms waiting.
            if await self.look(event), self.waiting.insert(event).inserted { self.queue.append(event) }
        }
        self.running -= 1
    }

    private func next() -> EventID? {
        guard self.first < self.queue.count else { return nil }
        let event = self.queue[self.first]
        self.first += 1
        if self.first * 2 >= self.queue.count {
            self.queue.removeFirst(self.first)
            self.first = 0
        }
        self.waiting.remove(event)
        return event
    }
}
