import Testing
import TimingleNet

@testable import TimingleServer

struct ClientAddressTests {
    private func trust(_ field: ProxyTrust.Field) throws -> ProxyTrust {
        ProxyTrust(proxies: try ["10.0.0.0/8", "fd00::/8"].map { try #require(AddressBlock($0)) }, field: field)
    }

    @Test(arguments: [
        ("192.0.2.1", "9.9.9.9", "192.0.2.1"), ("10.0.0.1", "9.9.9.9", "9.9.9.9"),
        ("10.0.0.1", "1.1.1.1, 9.9.9.9, 10.2.3.4", "9.9.9.9"), ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "nonsense", "10.0.0.1"), ("10.0.0.1", "6.6.6.6, nonsense", "10.0.0.1"),
        ("10.0.0.1", "6.6.6.6, nonsense, 10.9.9.9", "10.9.9.9"),
        ("10.0.0.1", "9.9.9.9:1234", "9.9.9.9"), ("10.0.0.1", "[2001:db8::1]:80", "2001:db8::1"),
        ("10.0.0.1", "2001:db8::1", "2001:db8::1"), ("10.0.0.1", "[2001:db8::1]", "2001:db8::1"),
        ("fd00::1", "2001:db8::1, fd00::2", "2001:db8::1"),
        ("::ffff:10.0.0.1", "9.9.9.9", "9.9.9.9"), ("10.0.0.1", "10.1.1.1, 10.2.2.2", "10.1.1.1"),
        ("10.0.0.1", "9.9.9.9:", "10.0.0.1"), ("10.0.0.1", "9.9.9.9:123456", "10.0.0.1"),
        ("10.0.0.1", "9.9.9.9:80a", "10.0.0.1"), ("10.0.0.1", "9.9.9.9:+80", "10.0.0.1"),
        ("10.0.0.1", "2001:db8::g:80", "10.0.0.1"),
        ("10.0.0.1", "[2001:db8::1", "10.0.0.1"), ("10.0.0.1", "[9.9.9.9]:80", "10.0.0.1"),
        ("10.0.0.1", "/run/x.sock", "10.0.0.1"), ("10.0.0.1", "unix:/run/x.sock", "10.0.0.1"),
        ("10.0.0.1", "0x7f.1", "10.0.0.1"), ("10.0.0.1", "1.2.3", "10.0.0.1"), ("10.0.0.1", "unknown", "10.0.0.1"),
    ])
    func onlyTrustedProxiesAreBelieved(peer: String, forwarded: String, client: String) throws {
        let request = ServerRequest.get("/", ["X-Forwarded-For": forwarded], from: peer)
        #expect(ClientAddress(request, try self.trust(.xForwardedFor)).text == client)
        #expect(
            ClientAddress(request, try self.trust(.forwarded)).text
                == ClientAddress(request, try self.trust(.none)).text
        )
    }

    @Test func fieldLinesAreOneListInTheirOrder() throws {
        var fields: HTTPFields = ["X-Forwarded-For": "6.6.6.6"]
        fields.append("X-Forwarded-For", "9.9.9.9, 10.0.0.9")
        let request = ServerRequest.get("/", fields, from: "10.0.0.1")
        #expect(ClientAddress(request, try self.trust(.xForwardedFor)).text == "9.9.9.9")
    }

    @Test func aLongChainIsNotWalkedToItsEnd() throws {
        let chain = (["9.9.9.9"] + Array(repeating: "10.0.0.2", count: 40)).joined(separator: ",")
        let request = ServerRequest.get("/", ["X-Forwarded-For": chain], from: "10.0.0.1")
        #expect(ClientAddress(request, try self.trust(.xForwardedFor)).text == "10.0.0.2")
    }

    // The examples of RFC 7239, sections 4, 6 and 7.1, and what is near them.
    @Test(arguments: [
        ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60", "http"),
        ("for=192.0.2.43, for=198.51.100.17", "198.51.100.17", nil),
        (#"For="[2001:db8:cafe::17]:4711""#, "2001:db8:cafe::17", nil),
        (#"for="192.0.2.43:47011";Proto=HTTPS"#, "192.0.2.43", "https"),
        (#"for="192.0.2.43:_port""#, "192.0.2.43", nil),
        (#"for="1\92.0.2.43""#, "192.0.2.43", nil),
        ("for=192.0.2.43;proto=https, for=10.0.0.7;proto=http", "192.0.2.43", "https"),
        ("for=192.0.2.43,,for=10.0.0.7 , ", "192.0.2.43", nil), (";;for=192.0.2.43;", "192.0.2.43", nil),
        ("for=6.6.6.6, for=unknown", "10.0.0.1", nil), ("for=6.6.6.6, for=_hidden", "10.0.0.1", nil),
        ("for=6.6.6.6, by=203.0.113.43", "10.0.0.1", nil),
        // Whoever can break the grammar could otherwise hide the hop that a proxy added behind it.
        (#"for="6.6.6.6, for=192.0.2.43"#, "10.0.0.1", nil), ("for = 192.0.2.43", "10.0.0.1", nil),
        ("for=192.0.2.43;for=6.6.6.6", "10.0.0.1", nil), ("for=2001:db8::1", "10.0.0.1", nil),
        ("192.0.2.43", "10.0.0.1", nil), ("for=", "10.0.0.1", nil), (#"for="192.0.2.43"x"#, "10.0.0.1", nil),
        (#"for="192.0.2.43\"#, "10.0.0.1", nil), ("for=192.0.2.43;proto=gopher", "192.0.2.43", nil),
    ])
    func forwardedIsReadByItsGrammar(forwarded: String, client: String, scheme: String?) throws {
        let fields: HTTPFields = ["Forwarded": forwarded, "X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https"]
        let address = ClientAddress(ServerRequest.get("/", fields, from: "10.0.0.1"), try self.trust(.forwarded))
        #expect(address.text == client)
        #expect(address.scheme == scheme)
        let spoofed = ClientAddress(ServerRequest.get("/", fields, from: "192.0.2.99"), try self.trust(.forwarded))
        #expect(spoofed.text == "192.0.2.99" && spoofed.scheme == nil)
    }

    @Test(arguments: [
        ("10.0.0.1", "https", "https"), ("10.0.0.1", "http, HTTPS", "https"), ("10.0.0.1", "ftp", nil),
        ("192.0.2.1", "https", nil), ("10.0.0.1", "", nil),
    ])
    func theSchemeIsWhatATrustedProxySays(peer: String, proto: String, scheme: String?) throws {
        let request = ServerRequest.get("/", ["X-Forwarded-Proto": proto], from: peer)
        #expect(ClientAddress(request, try self.trust(.xForwardedFor)).scheme == scheme)
        #expect(ClientAddress(request, try self.trust(.none)).scheme == nil)
    }

    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("2001:db8:1:2::9", "2001:db8:1:2::/64"), ("::1", "::/64"),
    ])
    func limitsCountTheWholeNetworkOfAnIPv6Address(peer: String, network: String) {
        #expect(ClientAddress(ServerRequest.get("/", from: peer), ProxyTrust(proxies: [])).network == network)
    }
}
