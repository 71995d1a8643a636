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
        let delivered = (0..<2).compactMap { selector.delivery($0) }
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
        #expect(selector.delivery(0)?.readiness == .readable)
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
        let readiness = selector.delivery(0)?.readiness
        #expect(readiness == [.readable, .writable])
        shutdown(peer, CInt(SHUT_WR))
        try self.expectEvents(1, of: selector, within: 1_000)
        let afterShutdown = selector.delivery(0)?.readiness
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
}
