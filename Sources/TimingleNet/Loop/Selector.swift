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

    let eventsPerWait: Int
    private let epoll: Epoll
    // SAFETY: the first `count` entries are initialised; every index is an id's or an event's, which are ours, and is
    // looked at by `place`. An array would ask at each delivery whether it is shared. SelectorTests grows it.
    private var entries: UnsafeMutablePointer<Entry>
    private var count = 0
    private var capacity = 64
    private var free: [UInt32] = []

    init(eventsPerWait: Int) throws(SystemError) {
        self.eventsPerWait = eventsPerWait
        self.epoll = try Epoll(eventsPerWait: eventsPerWait)
        self.entries = .allocate(capacity: self.capacity)
    }

    deinit {
        self.entries.deinitialize(count: self.count)
        self.entries.deallocate()
    }

    @inline(__always)
    private func place(_ index: UInt32) -> UnsafeMutablePointer<Entry> {
        precondition(index < self.count, "a registration that nobody made")
        return self.entries + Int(index)
    }

    private mutating func addEntry() -> UInt32 {
        if self.count == self.capacity {
            let larger = UnsafeMutablePointer<Entry>.allocate(capacity: 2 * self.capacity)
            larger.moveInitialize(from: self.entries, count: self.count)
            self.entries.deallocate()
            self.entries = larger
            self.capacity *= 2
        }
        (self.entries + self.count).initialize(to: Entry(generation: 0, fd: -1, handler: nil))
        self.count += 1
        return UInt32(self.count - 1)
    }

    mutating func register(
        _ fd: CInt,
        interest: Interest,
        handler: any ReadinessHandler
    ) throws(SystemError) -> RegistrationID {
        let index = self.free.popLast() ?? self.addEntry()
        let place = self.place(index)
        let id = RegistrationID(index: index, generation: place.pointee.generation)
        do throws(SystemError) {
            try self.epoll.add(fd, interest: interest, data: id.epollData)
        } catch {
            self.free.append(index)
            throw error
        }
        place.pointee.fd = fd
        place.pointee.handler = handler
        return id
    }

    func setInterest(_ interest: Interest, of id: RegistrationID) throws(SystemError) {
        let place = self.place(id.index)
        precondition(place.pointee.generation == id.generation, "interest set on a registration that has ended")
        try self.epoll.modify(place.pointee.fd, interest: interest, data: id.epollData)
    }

    mutating func deregister(_ id: RegistrationID) throws(SystemError) {
        let fd = self.forget(id)
        try self.epoll.remove(fd)
    }

    /// Ends a registration whose descriptor is closed at once: the kernel then takes it out by itself.
    @discardableResult
    mutating func forget(_ id: RegistrationID) -> CInt {
        let place = self.place(id.index)
        precondition(place.pointee.generation == id.generation, "deregistered twice")
        let fd = place.pointee.fd
        place.pointee.generation &+= 1
        place.pointee.handler = nil
        place.pointee.fd = -1
        self.free.append(id.index)
        return fd
    }

    func wait(timeoutMilliseconds: CInt) throws(SystemError) -> Int {
        try self.epoll.wait(timeoutMilliseconds: timeoutMilliseconds)
    }

    /// Lends the handler for event `index` of the last wait; nil when its registration ended earlier in this turn.
    ///
    /// Lent until `takeBack`, not copied: no reference is counted.
    @inline(__always)
    func lend(_ index: Int) -> (handler: any ReadinessHandler, readiness: Readiness, id: RegistrationID)? {
        let (data, readiness) = self.epoll.event(index)
        let id = RegistrationID(index: UInt32(truncatingIfNeeded: data), generation: UInt32(data >> 32))
        let place = self.place(id.index)
        guard place.pointee.generation == id.generation, let handler = place.pointee.handler.take() else { return nil }
        return (handler, readiness, id)
    }

    /// Takes a handler back behind its delivery; it is let go of where its registration ended meanwhile.
    @inline(__always)
    func takeBack(_ handler: consuming any ReadinessHandler, of id: RegistrationID) {
        let place = self.place(id.index)
        if place.pointee.generation == id.generation { place.pointee.handler = consume handler }
    }
}
