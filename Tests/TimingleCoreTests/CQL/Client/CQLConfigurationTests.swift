import Testing

@testable import TimingleCQL

struct CQLConfigurationTests {
    @Test(arguments: [
        ("a.example", "a.example", 9_042), ("a.example:1", "a.example", 1), ("10.0.0.1", "10.0.0.1", 9_042),
        ("10.0.0.1:9142", "10.0.0.1", 9_142), ("::1", "::1", 9_042), ("[::1]:9142", "::1", 9_142),
        ("[::1]", "::1", 9_042),
    ])
    func hostsMayHavePorts(text: String, host: String, port: UInt16) throws {
        let endpoint = try #require(CQLConfiguration(hosts: []).endpoint(text))
        #expect(endpoint.host == host && endpoint.port == port)
    }

    @Test(arguments: ["", ":9042", "a:", "a:x", "a:70000", "a:0", "a:+1"])
    func whatIsNoHostIsNone(text: String) {
        #expect(CQLConfiguration(hosts: []).endpoint(text) == nil)
    }

    @Test func theControlConnectionIsToldWhatConcernsIt() throws {
        var configuration = CQLConfiguration(hosts: ["a.example", ":9042", "b.example:9142"])
        configuration.localDataCenter = "dc1"
        configuration.credentials = CQLCredentials(username: "u", password: "p")
        configuration.connectTimeout = .seconds(1)
        configuration.reconnectBackoffBase = .seconds(2)
        configuration.reconnectBackoffMax = .seconds(3)
        configuration.eventDebounce = .seconds(4)
        configuration.topologyRefreshInterval = .seconds(5)
        configuration.nodesMax = 6
        let settings = configuration.controlConnectionSettings
        #expect(settings.hosts.map(\.host) == ["a.example", "b.example"])
        #expect(settings.hosts.map(\.port) == [9_042, 9_142])
        #expect(settings.localDataCenter == "dc1")
        #expect(settings.connection.credentials == configuration.credentials)
        #expect(settings.connection.connectTimeout == .seconds(1))
        #expect(settings.backoff == ReconnectBackoff(base: .seconds(2), max: .seconds(3)))
        #expect(settings.eventDebounce == .seconds(4))
        #expect(settings.refreshInterval == .seconds(5))
        #expect(settings.nodesMax == 6)
    }
}
