import Testing

@testable import TimingleNet

struct AddressBlockTests {
    @Test(arguments: [
        ("10.0.0.0/8", "10.255.1.2", true), ("10.0.0.0/8", "11.0.0.1", false), ("192.0.2.7", "192.0.2.7", true),
        ("192.0.2.7", "192.0.2.8", false), ("0.0.0.0/0", "1.2.3.4", true), ("0.0.0.0/0", "::1", false),
        ("::/0", "::1", true), ("10.0.0.0/8", "::ffff:10.1.1.1", true),
        ("2001:db8::/32", "2001:db8:1::5", true), ("2001:db8::/32", "2001:db9::", false), ("::1", "::1", true),
        ("10.0.0.0/8", "/run/x.sock", false),
    ])
    func blocksHoldTheirAddresses(block: String, address: String, isInside: Bool) throws {
        let parsed = try #require(AddressBlock(block))
        let peer = try #require(SocketAddress(parsing: address, port: 0))
        #expect(parsed.contains(peer) == isInside)
    }

    @Test(arguments: ["10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/8/8", "/8", "proxy", "", "10.0.0.0/-1", "/run/x"])
    func otherTextsAreRefused(text: String) {
        #expect(AddressBlock(text) == nil)
    }

    @Test(arguments: [
        ("127.0.0.1", true), ("127.9.9.9", true), ("::1", true), ("::ffff:127.0.0.1", true), ("128.0.0.1", false),
        ("::2", false), ("10.0.0.1", false),
    ])
    func loopbackIsThisMachine(address: String, isLoopback: Bool) throws {
        let peer = try #require(SocketAddress(parsing: address, port: 0))
        #expect(AddressBlock.loopback.contains { $0.contains(peer) } == isLoopback)
    }
}
