import Glibc
import Testing
import TimingleTestSupport

@testable import TimingleNet

struct SocketTests {
    private func noDelay(_ fd: CInt) -> CInt {
        var value: CInt = -1
        var length = socklen_t(MemoryLayout<CInt>.size)
        getsockopt(fd, CInt(IPPROTO_TCP), TCP_NODELAY, &value, &length)
        return value
    }

    @Test(arguments: ["127.0.0.1", "::1"])
    func acceptedSocketsInheritThatSmallWritesLeaveAtOnce(address: String) throws {
        let wanted = try #require(SocketAddress(parsing: address, port: 0))
        let listening = try Socket.listening(on: wanted)
        try listening.disableNagle()
        let client = try Socket.connecting(to: try listening.localAddress())
        #expect(self.noDelay(client.fd) == 0)
        guard case .accepted(let accepted, _) = try listening.accept() else {
            Issue.record("nothing to accept")
            return
        }
        #expect(self.noDelay(accepted.fd) == 1)
    }

    @Test func whatThePeerHasNotAcknowledgedIsCounted() throws {
        let listening = try Socket.listening(on: .ipv4(address: 0x7f00_0001, port: 0))
        let client = try Socket.connecting(to: try listening.localAddress())
        guard case .accepted(let accepted, _) = try listening.accept() else {
            Issue.record("nothing to accept")
            return
        }
        #expect(accepted.unacknowledgedBytes() == 0)
        let block = [UInt8](repeating: 1, count: 1 << 20)
        var written = 0
        try block.withUnsafeBytes { bytes in
            try withUnsafePointer(to: bytes) { chunk in
                while case .processed(let count) = try accepted.write(UnsafeBufferPointer(start: chunk, count: 1)) {
                    written += count
                }
            }
        }
        // The peer's kernel takes some of it, and then no more.
        let held = accepted.unacknowledgedBytes() ?? -1
        #expect(held > 0 && held <= written)
        withExtendedLifetime(client.fd) {}
    }
}
