/// Commands in order, first in, first out, without moving the rest at each step.
///
/// A value.
struct RedisCommandQueue {
    private var storage: [RedisPendingCommand?] = []
    private var head = 0
    /// Of all commands that are in the queue.
    private(set) var bytes = 0

    var count: Int { self.storage.count - self.head }
    var first: RedisPendingCommand? { self.head < self.storage.count ? self.storage[self.head] : nil }

    mutating func append(_ command: RedisPendingCommand) {
        self.storage.append(command)
        self.bytes += command.bytes.count
    }

    mutating func popFirst() -> RedisPendingCommand? {
        guard self.head < self.storage.count else { return nil }
        let command = self.storage[self.head]
        self.bytes -= command?.bytes.count ?? 0
        self.storage[self.head] = nil
        self.head += 1
        if self.head == self.storage.count {
            self.storage.removeAll(keepingCapacity: true)
            self.head = 0
        } else if self.head >= 1_024 {
            self.storage.removeFirst(self.head)
            self.head = 0
        }
        return command
    }

    /// Empties the queue first, so that `body` may append again.
    mutating func takeAll() -> [RedisPendingCommand] {
        let all = self.storage[self.head...].compactMap { $0 }
        self.storage.removeAll()
        self.head = 0
        self.bytes = 0
        return all
    }
}
