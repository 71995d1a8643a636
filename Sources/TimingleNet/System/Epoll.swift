internal import CLinux
internal import Glibc

/// What a registration waits for.
package struct Interest: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let read = Interest(rawValue: 1 << 0)
    package static let write = Interest(rawValue: 1 << 1)
    /// Reports each change once, and not again as long as it stays.
    static let edge = Interest(rawValue: 1 << 2)

    var epollEvents: UInt32 {
        var events = EPOLLRDHUP.rawValue
        if self.contains(.read) { events |= EPOLLIN.rawValue }
        if self.contains(.write) { events |= EPOLLOUT.rawValue }
        if self.contains(.edge) { events |= EPOLLET.rawValue }
        // A paused reader must not be woken by the peer's half-close again and again.
        if !self.contains(.read) { events &= ~EPOLLRDHUP.rawValue }
        return events
    }
}

/// What the kernel reported.
package struct Readiness: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let readable = Readiness(rawValue: 1 << 0)
    package static let writable = Readiness(rawValue: 1 << 1)
    /// The peer shut down its writing half (EPOLLRDHUP).
    package static let readClosed = Readiness(rawValue: 1 << 2)
    /// EPOLLERR or EPOLLHUP.
    ///
    /// Delivered whatever the interest: read or write to learn the reason, or deregister.
    package static let failed = Readiness(rawValue: 1 << 3)

    init(epollEvents: UInt32) {
        var readiness: Readiness = []
        if epollEvents & EPOLLIN.rawValue != 0 { readiness.insert(.readable) }
        if epollEvents & EPOLLOUT.rawValue != 0 { readiness.insert(.writable) }
        if epollEvents & EPOLLRDHUP.rawValue != 0 { readiness.insert(.readClosed) }
        if epollEvents & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 { readiness.insert(.failed) }
        self = readiness
    }
}

/// One epoll instance and the buffer for its events; level-triggered unless asked otherwise.
struct Epoll: ~Copyable {
    private let fd: CInt
    private let events: UnsafeMutablePointer<epoll_event>
    private let capacity: Int

    init(eventsPerWait: Int) throws(SystemError) {
        self.fd = try Syscall.blocking("epoll_create1") { epoll_create1(CInt(EPOLL_CLOEXEC)) }
        self.capacity = eventsPerWait
        // SAFETY: owned by this ~Copyable value, freed in deinit; only `wait` and `event` touch it.
        self.events = .allocate(capacity: eventsPerWait)
    }

    deinit {
        self.events.deallocate()
        Syscall.close(self.fd)
    }

    func add(_ fd: CInt, interest: Interest, data: UInt64) throws(SystemError) {
        var event = timingle_epoll_event_make(interest.epollEvents, data)
        try Syscall.blocking("epoll_ctl") { epoll_ctl(self.fd, EPOLL_CTL_ADD, fd, &event) }
    }

    func modify(_ fd: CInt, interest: Interest, data: UInt64) throws(SystemError) {
        var event = timingle_epoll_event_make(interest.epollEvents, data)
        try Syscall.blocking("epoll_ctl") { epoll_ctl(self.fd, EPOLL_CTL_MOD, fd, &event) }
    }

    func remove(_ fd: CInt) throws(SystemError) {
        var event = timingle_epoll_event_make(0, 0)
        try Syscall.blocking("epoll_ctl") { epoll_ctl(self.fd, EPOLL_CTL_DEL, fd, &event) }
    }

    /// Waits for events; `timeoutMilliseconds` of -1 waits for ever.
    ///
    /// A signal ends the wait with no events.
    func wait(timeoutMilliseconds: CInt) throws(SystemError) -> Int {
        let count = Syscall.epollWait(self.fd, self.events, CInt(self.capacity), timeoutMilliseconds)
        if count >= 0 { return Int(count) }
        guard errno == EINTR else { throw SystemError(operation: "epoll_wait", code: errno) }
        return 0
    }

    func event(_ index: Int) -> (data: UInt64, readiness: Readiness) {
        precondition(index < self.capacity)
        // SAFETY: `index` is below the count that the last `wait` returned, so the kernel wrote this element.
        return (timingle_epoll_event_data(self.events + index), Readiness(epollEvents: self.events[index].events))
    }
}
