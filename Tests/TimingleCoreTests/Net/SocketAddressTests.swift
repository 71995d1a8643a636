import Glibc
import Testing
import TimingleTestSupport

@testable import TimingleNet

struct SocketAddressTests {
    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1:80", "127.0.0.1"), ("0.0.0.0", "0.0.0.0:80", "0.0.0.0"),
        ("::1", "[::1]:80", "::1"), ("[::1]", "[::1]:80", "::1"), ("2001:db8::a", "[2001:db8::a]:80", "2001:db8::a"),
        ("::ffff:10.1.2.3", "[10.1.2.3]:80", "10.1.2.3"), ("/run/x.sock", "unix:/run/x.sock", "/run/x.sock"),
        ("unix:/run/x.sock", "unix:/run/x.sock", "/run/x.sock"),
    ])
    func literalsAreParsedAndPrinted(text: String, printed: String, host: String) throws {
        let address = try #require(SocketAddress(parsing: text, port: 80))
        #expect(address.description == printed)
        #expect(address.host == host)
    }

    @Test(
        arguments: [
            "", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "::g", "[1.2.3.4]", "[::1", "unix:x", "1.2.3.4 ",
            "/\(String(repeating: "a", count: 108))", "::1\u{0}",
        ] as [TextArgument]
    )
    func otherTextIsRefused(text: TextArgument) {
        #expect(SocketAddress(parsing: text.value, port: 1) == nil)
    }

    @Test func theKernelsFormComesBack() throws {
        let loopback = try #require(SocketAddress(parsing: "127.0.0.1", port: 0))
        let listening = try Socket.listening(on: loopback)
        let bound = try listening.localAddress()
        #expect(bound.host == "127.0.0.1" && bound.port != 0)
        let path = "/tmp/timingle-test-\(UInt64.random(in: .min ... .max)).sock"
        defer { unlink(path) }
        let address = try #require(SocketAddress(parsing: path, port: 0))
        let unix = try Socket.listening(on: address)
        #expect(try unix.localAddress() == address)
    }
}
