import Testing

@testable import TimingleCore

struct NATSServerFactsTests {
    private func info(_ version: String, id: String = "N1") -> NATSServerInfo? {
        NATSServerInfo(line: Array(#"INFO {"server_id":"\#(id)","version":"\#(version)","port":4222} "#.utf8) + [0x0d])
    }

    private func report(_ config: String, id: String = "N1") -> NATSMonitorReport? {
        NATSMonitorReport(varz: Array(#"{"server_id":"\#(id)","jetstream":\#(config)}"#.utf8))
    }

    @Test(arguments: [
        ("2.9.10", true), ("2.10.22", true), ("2.10.23", false), ("2.10.24-beta.1", false), ("2.11.0", false),
        ("2.15.1", false), ("3.0.0", false), ("2.10", true), ("new", true), ("", true), ("2.x.99", true),
    ])
    func aVersionBefore21023IsTooOld(version: String, isTooOld: Bool) throws {
        let info = try #require(self.info(version))
        #expect(info.isTooOld == isTooOld)
    }

    @Test(arguments: ["", "INFO", "INFO {", "INFO []", #"INFO {"version":"2.15.1"}"#, "-ERR 'no'", "HTTP/1.1 400"])
    func whatIsNoInfoLineIsNone(line: String) {
        #expect(NATSServerInfo(line: Array(line.utf8)) == nil)
    }

    @Test func theMonitorOfTheVeryServerTellsWhetherItSyncs() throws {
        let info = try #require(self.info("2.15.1"))
        let always = try #require(self.report(#"{"config":{"sync_interval":1,"sync_always":true}}"#))
        let later = try #require(self.report(#"{"config":{"sync_interval":120000000000}}"#))
        let off = try #require(self.report("{}"))
        let other = try #require(self.report(#"{"config":{"sync_always":true}}"#, id: "N2"))
        #expect(NATSServerFacts(info: info, monitor: always) == NATSServerFacts(version: "2.15.1", sync: .always))
        #expect(NATSServerFacts(info: info, monitor: later).sync == .interval)
        #expect(NATSServerFacts(info: info, monitor: off).sync == .unknown)
        #expect(NATSServerFacts(info: info, monitor: other).sync == .unknown)
        #expect(NATSServerFacts(info: info, monitor: nil).sync == .unknown)
    }

    @Test func anOldServerNeverSyncsAlwaysWhateverItSays() throws {
        let info = try #require(self.info("2.10.22"))
        let always = try #require(self.report(#"{"config":{"sync_always":true}}"#))
        #expect(NATSServerFacts(info: info, monitor: always).sync == .interval)
        #expect(NATSServerFacts(info: info, monitor: nil).sync == .interval)
    }

    @Test func onlyAnAnswerOfStatus200IsRead() {
        let body = #"{"server_id":"N1"}"#
        #expect(NATSMonitorReport(answer: Array("HTTP/1.0 200 OK\r\nA: b\r\n\r\n\(body)".utf8))?.serverID == "N1")
        for wrong in ["HTTP/1.0 404 No\r\n\r\n\(body)", "HTTP/1.0 200 OK\r\n\(body)", body, "", "HTTP/1.0 200"] {
            #expect(NATSMonitorReport(answer: Array(wrong.utf8)) == nil)
        }
    }

    @Test(arguments: [
        ("nats://u:p@ss@broker:4223", "broker", 4_223, ""), ("broker", "broker", 4_222, ""),
        ("nats://[::1]:4223", "::1", 4_223, ""), ("tls://[::1]", "::1", 4_222, ""), ("::1", "::1", 4_222, ""),
        ("http://10.0.0.1:8222/base/", "10.0.0.1", 8_222, "/base"),
    ])
    func aURLIsTakenApartWithoutItsCredentials(url: String, host: String, port: UInt16, path: String) throws {
        let endpoint = try #require(NATSEndpoint(url: url, defaultPort: 4_222))
        #expect(endpoint.host == host)
        #expect(endpoint.port == port)
        #expect(endpoint.path == path)
    }

    @Test(arguments: ["", "nats://", "nats://broker:x", "nats://broker:70000", "http://h:1/a b", "http://h:1/\r\nX: y"])
    func aURLWithoutAServerIsNone(url: String) {
        #expect(NATSEndpoint(url: url, defaultPort: 4_222) == nil)
    }
}
