import Glibc
import Testing

@testable import TimingleNet

struct SelectorTests {
    private final class Recorder: ReadinessHandler {
        var seen: [Readiness] = []
        var onReady: (() -> Void)?
        func descriptorReady(_ readiness: Readiness) {
            self.seen.append(readiness)
            self.onReady?()
        }
    }

    private func expectEvents(_ expected: Int, of selector: borrowing Selector, within milliseconds: CInt) throws {
        let count = try selector.wait(timeoutMilliseconds: milliseconds)
        #expect(count == expected)
    }

    /// What is reported to a handler that does nothing.
    private func readiness(_ index: Int, of selector: borrowing Selector) -> Readiness? {
        guard let (handler, readiness, id) = selector.lend(index) else { return nil }
        selector.takeBack(handler, of: id)
        return readiness
    }

    private func socketPair() -> (CInt, CInt) {
        var pair: [CInt] = [-1, -1]
        #expect(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &pair) == 0)
        return (pair[0], pair[1])
    }

    @Test func anEventOfARegistrationThatEndedInThisTurnIsDropped() throws {
        var selector = try Selector(eventsPerWait: 8)
        let (first, firstPeer) = self.socketPair()
        let (second, secondPeer) = self.socketPair()
        defer { for fd in [first, firstPeer, second, secondPeer] { close(fd) } }
        let handler = Recorder()
        let firstID = try selector.register(first, interest: .read, handler: handler)
        let secondID = try selector.register(second, interest: .read, handler: handler)
        #expect(write(firstPeer, "x", 1) == 1)
        #expect(write(secondPeer, "x", 1) == 1)
        try self.expectEvents(2, of: selector, within: 1_000)
        try selector.deregister(firstID)
        try selector.deregister(secondID)
        // The same places and the same descriptor, registered again in the same turn.
        let again = try selector.register(first, interest: .read, handler: handler)
        let delivered = (0..<2).compactMap { self.readiness($0, of: selector) }
        #expect(delivered.isEmpty)
        #expect(again.generation != firstID.generation || again.index != firstID.index)
    }

    @Test func aForgottenDescriptorIsGoneOnceItIsClosed() throws {
        var selector = try Selector(eventsPerWait: 8)
        let (first, firstPeer) = self.socketPair()
        let handler = Recorder()
        let firstID = try selector.register(first, interest: .read, handler: handler)
        #expect(write(firstPeer, "x", 1) == 1)
        selector.forget(firstID)
        close(first)
        try self.expectEvents(0, of: selector, within: 0)
        // The kernel gives the lowest number out again.
        let (second, secondPeer) = self.socketPair()
        defer { for fd in [second, firstPeer, secondPeer] { close(fd) } }
        #expect(second == first)
        _ = try selector.register(second, interest: .read, handler: handler)
        #expect(write(secondPeer, "y", 1) == 1)
        try self.expectEvents(1, of: selector, within: 1_000)
        #expect(self.readiness(0, of: selector) == .readable)
    }

    @Test func interestDecidesWhatIsReported() throws {
        var selector = try Selector(eventsPerWait: 8)
        let (fd, peer) = self.socketPair()
        defer { for fd in [fd, peer] { close(fd) } }
        let handler = Recorder()
        let id = try selector.register(fd, interest: [], handler: handler)
        #expect(write(peer, "x", 1) == 1)
        try self.expectEvents(0, of: selector, within: 0)
        try selector.setInterest([.read, .write], of: id)
        try self.expectEvents(1, of: selector, within: 1_000)
        let readiness = self.readiness(0, of: selector)
        #expect(readiness == [.readable, .writable])
        shutdown(peer, CInt(SHUT_WR))
        try self.expectEvents(1, of: selector, within: 1_000)
        let afterShutdown = self.readiness(0, of: selector)
        #expect(afterShutdown?.contains(.readClosed) == true)
    }

    @Test func aDescriptorThatCannotBeWatchedIsAnErrorAndLeavesNoTrace() throws {
        var selector = try Selector(eventsPerWait: 8)
        let handler = Recorder()
        let file = open("/proc/self/status", O_RDONLY)
        defer { close(file) }
        // EPERM: epoll refuses regular files.
        do throws(SystemError) {
            _ = try selector.register(file, interest: .read, handler: handler)
            Issue.record("a regular file was registered")
        } catch {
            #expect(error.code == EPERM)
        }
        let (fd, peer) = self.socketPair()
        defer { for fd in [fd, peer] { close(fd) } }
        let id = try selector.register(fd, interest: .read, handler: handler)
        #expect(id.index == 0)
    }

    @Test func aHandlerIsThereForTheNextDelivery() throws {
        var selector = try Selector(eventsPerWait: 8)
        let (fd, peer) = self.socketPair()
        defer { for fd in [fd, peer] { close(fd) } }
        let handler = Recorder()
        let id = try selector.register(fd, interest: .read, handler: handler)
        #expect(write(peer, "x", 1) == 1)
        for count in 1...3 {
            try self.expectEvents(1, of: selector, within: 1_000)
            let lent = selector.lend(0)
            let delivery = try #require(lent)
            delivery.handler.descriptorReady(delivery.readiness)
            // It is lent out: for one event there is one delivery.
            #expect(self.readiness(0, of: selector) == nil)
            try selector.setInterest(.read, of: id)
            selector.takeBack(delivery.handler, of: delivery.id)
            #expect(handler.seen.count == count)
        }
    }

    @Test func aHandlerWhoseRegistrationEndsInsideItsDeliveryIsLetGoBehindIt() throws {
        var selector = try Selector(eventsPerWait: 8)
        let (fd, peer) = self.socketPair()
        defer { for fd in [fd, peer] { close(fd) } }
        weak var gone: Recorder?
        var id: RegistrationID
        do {
            let handler = Recorder()
            gone = handler
            id = try selector.register(fd, interest: .read, handler: handler)
        }
        #expect(write(peer, "x", 1) == 1)
        try self.expectEvents(1, of: selector, within: 1_000)
        let next = Recorder()
        do {
            let lent = selector.lend(0)
            let delivery = try #require(lent)
            try selector.deregister(id)
            // The same place for another, before the first is given back.
            id = try selector.register(fd, interest: .read, handler: next)
            #expect(gone != nil)
            selector.takeBack(delivery.handler, of: delivery.id)
        }
        #expect(gone == nil)
        try self.expectEvents(1, of: selector, within: 1_000)
        let lent = selector.lend(0)
        let delivery = try #require(lent)
        #expect(delivery.handler === next)
        selector.takeBack(delivery.handler, of: delivery.id)
    }

    @Test func manyRegistrationsKeepTheirHandlers() throws {
        var pairs: [(fd: CInt, peer: CInt)] = []
        defer { for pair in pairs { for fd in [pair.fd, pair.peer] { close(fd) } } }
        weak var last: Recorder?
        do {
            var selector = try Selector(eventsPerWait: 512)
            let handlers = (0..<200).map { _ in Recorder() }
            last = handlers.last
            for handler in handlers {
                pairs.append(self.socketPair())
                _ = try selector.register(pairs[pairs.count - 1].fd, interest: .read, handler: handler)
            }
            for pair in pairs { #expect(write(pair.peer, "x", 1) == 1) }
            try self.expectEvents(200, of: selector, within: 1_000)
            for index in 0..<200 {
                let lent = selector.lend(index)
                let delivery = try #require(lent)
                delivery.handler.descriptorReady(delivery.readiness)
                selector.takeBack(delivery.handler, of: delivery.id)
            }
            #expect(handlers.allSatisfy { $0.seen == [.readable] })
        }
        #expect(last == nil)
    }
}
