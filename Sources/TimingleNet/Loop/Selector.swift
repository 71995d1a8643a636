/// Takes readiness of one descriptor.
///
/// Loop-confined.
package protocol ReadinessHandler: AnyObject {
    /// The descriptor is ready; `readiness` may name less than what is true by now.
    ///
    /// Called on the loop.
    func descriptorReady(_ readiness: Readiness)
}

/// Names one registration; the generation tells it from a later one in the same place.
package struct RegistrationID: Hashable, Sendable {
    let index: UInt32
    let generation: UInt32

    var epollData: UInt64 { UInt64(self.generation) << 32 | UInt64(self.index) }
}

/// Maps epoll's events to handlers and drops events of descriptors that were deregistered in the same turn.
///
/// Loop-confined.
struct Selector: ~Copyable {
    private struct Entry {
        var generation: UInt32
        var fd: CInt
        var handler: (any ReadinessHandler)?
    }

    private let epoll: Epoll
    private var entries: [Entry] = []
    private var free: [UInt32] = []

    init(eventsPerWait: Int) throws(SystemError) {
        self.epoll = try Epoll(eventsPerWait: eventsPerWait)
    }

    mutating func register(
        _ fd: CInt,
        interest: Interest,
        handler: any ReadinessHandler
    ) throws(SystemError) -> RegistrationID {
        let index: UInt32
        if let recycled = self.free.popLast() {
            index = recycled
        } else {
            index = UInt32(self.entries.count)
            self.entries.append(Entry(generation: 0, fd: -1, handler: nil))
        }
        let id = RegistrationID(index: index, generation: self.entries[Int(index)].generation)
        do throws(SystemError) {
            try self.epoll.add(fd, interest: interest, data: id.epollData)
        } catch {
            self.free.append(index)
            throw error
        }
        self.entries[Int(index)].fd = fd
        self.entries[Int(index)].handler = handler
        return id
    }

    mutating func setInterest(_ interest: Interest, of id: RegistrationID) throws(SystemError) {
        let entry = self.entries[Int(id.index)]
        precondition(entry.generation == id.generation, "interest set on a registration that has ended")
        try self.epoll.modify(entry.fd, interest: interest, data: id.epollData)
    }

    mutating func deregister(_ id: RegistrationID) throws(SystemError) {
        let fd = self.forget(id)
        try self.epoll.remove(fd)
    }

    /// Ends a registration whose descriptor is closed at once: the kernel then takes it out by itself.
    @discardableResult
    mutating func forget(_ id: RegistrationID) -> CInt {
        let index = Int(id.index)
        precondition(self.entries[index].generation == id.generation, "deregistered twice")
        let fd = self.entries[index].fd
        self.entries[index].generation &+= 1
        self.entries[index].handler = nil
        self.entries[index].fd = -1
        self.free.append(id.index)
        return fd
    }

    func wait(timeoutMilliseconds: CInt) throws(SystemError) -> Int {
        try self.epoll.wait(timeoutMilliseconds: timeoutMilliseconds)
    }

    /// The handler for event `index` of the last wait; nil when its registration ended earlier in this turn.
    func delivery(_ index: Int) -> (handler: any ReadinessHandler, readiness: Readiness)? {
        let (data, readiness) = self.epoll.event(index)
        let entry = self.entries[Int(data & 0xffff_ffff)]
        guard entry.generation == UInt32(data >> 32), let handler = entry.handler else { return nil }
        return (handler, readiness)
    }
}
