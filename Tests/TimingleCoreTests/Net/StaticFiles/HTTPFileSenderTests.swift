import Foundation
import Synchronization
import Testing
import TimingleTestSupport

@testable import TimingleNet

/// How the content of a file travels: to slow and fast readers, beside others, and when the file changes under way.
struct HTTPFileSenderTests {
    private static let large = 20 * 1024 * 1024

    private func request(_ path: String, _ more: String = "", version: String = "1.1") -> String {
        "GET \(path) HTTP/\(version)\r\nHost: a\r\n\(more)\r\n"
    }

    @Test(arguments: [TestTransport.plain, .tls])
    func aLargeFileArrivesWhole(transport: TestTransport) async throws {
        try await StaticSite.with(transport) { site in
            let all = StaticSite.pattern(Self.large)
            try site.directory.write("f", all)
            let answer = try await site.get("/s/f")
            #expect(answer.status == 200 && answer.announcedCount == all.count && answer.content == all)
            let counters = site.files.reader.counters
            let sent = counters.sent.load(ordering: .relaxed)
            let read = counters.read.load(ordering: .relaxed)
            switch transport {
            // Not one byte went through the process.
            case .plain: #expect(sent == Self.large / HTTPFileSender.sentBytes && read == 0)
            case .tls: #expect(sent == 0 && read == Self.large / HTTPFileSender.readBytes)
            }
            #expect(site.files.openFiles.count == 0)
        }
    }

    @Test(arguments: [TestTransport.plain, .tls])
    func requestsBehindItAreAnsweredBehindIt(transport: TestTransport) async throws {
        try await StaticSite.with(transport) { site in
            let all = StaticSite.pattern(3_000_000)
            try site.directory.write("large", all)
            try site.directory.write("small", "small")
            let client = try site.connect()
            try await client.send(
                self.request("/s/large") + self.request("/s/small") + self.request("/s/none")
                    + self.request("/s/large", "Range: bytes=7-1500000\r\n")
                    + self.request("/s/small", "Connection: close\r\n")
            )
            var rest = try await client.bytesToTheEnd()
            for (status, content) in [
                (200, all), (200, Array("small".utf8)), (404, []), (206, Array(all[7...1_500_000])),
                (200, Array("small".utf8)),
            ] {
                let answer = try RawAnswer(rest)
                let count = try #require(answer.announcedCount)
                #expect(answer.status == status && Array(answer.content.prefix(count)) == content)
                rest = Array(answer.content.dropFirst(count))
            }
            #expect(rest.isEmpty)
        }
    }

    /// One that is sent, one that is opened, and what a thread is about to let go.
    private static let openMost = 3

    /// Each of hundreds of requests waits behind the other's content, and so does its file.
    @Test func pipelinedRequestsDoNotPileUp() async throws {
        try await StaticSite.with { site in
            for name in 0..<4 { try site.directory.write("\(name)", StaticSite.pattern(100_000 + name)) }
            let client = try site.connect()
            let requests = (0..<400).map { self.request("/s/\($0 % 4)") }.joined()
            try await client.send(requests + self.request("/s/0", "Connection: close\r\n"))
            _ = try await client.receive(until: "\r\n\r\n")
            #expect(site.files.openFiles.count <= Self.openMost)
            var count = 0
            while true {
                let portion = try await client.receive(atMost: 1024 * 1024)
                if portion.isEmpty { break }
                count += portion.count
                #expect(site.files.openFiles.count <= Self.openMost)
            }
            #expect(count > 400 * 100_000)
        }
    }

    @Test(arguments: [TestTransport.plain, .tls])
    func aConnectionIsKeptOrClosedAsAsked(transport: TestTransport) async throws {
        try await StaticSite.with(transport) { site in
            let all = StaticSite.pattern(300_000)
            try site.directory.write("f", all)
            let old = try site.connect()
            try await old.send("GET /s/f HTTP/1.0\r\n\r\n")
            #expect(try RawAnswer(try await old.bytesToTheEnd()).content == all)
            let kept = try site.connect()
            for _ in 0..<3 {
                try await kept.send("GET /s/f HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                let answer = try await kept.answer()
                #expect(answer.content == all && answer["Connection"] == "keep-alive")
            }
            let half = try site.connect()
            try await half.send(self.request("/s/f") + self.request("/s/f", "Range: bytes=-10\r\n"))
            try await half.finishSending()
            let both = try await half.bytesToTheEnd()
            #expect(both.count > 300_010 && Array(both.suffix(10)) == Array(all.suffix(10)))
        }
    }

    @Test(arguments: [TestTransport.plain, .tls])
    func aReplacedFileIsSentAsItWas(transport: TestTransport) async throws {
        try await StaticSite.with(transport) { site in
            let all = StaticSite.pattern(Self.large)
            try site.directory.write("f", all)
            let client = try site.connect()
            try await client.send(self.request("/s/f", "Connection: close\r\n"))
            var bytes = try await client.receive()
            try site.directory.replace("f", by: Array("new".utf8))
            bytes += try await client.bytesToTheEnd()
            #expect(try RawAnswer(bytes).content == all)
            #expect(try await site.get("/s/f").text == "new")
            #expect(site.log.messages.isEmpty)
        }
    }

    @Test(arguments: [TestTransport.plain, .tls])
    func aTruncatedFileEndsTheConnection(transport: TestTransport) async throws {
        try await StaticSite.with(transport) { site in
            let all = StaticSite.pattern(Self.large)
            try site.directory.write("f", all)
            let client = try site.connect()
            try await client.send(self.request("/s/f"))
            var bytes = try await client.receive()
            let left = 1024 * 1024
            try site.directory.truncate("f", to: UInt64(left))
            do {
                while true {
                    let portion = try await client.receive(atMost: 1024 * 1024)
                    if portion.isEmpty { break }
                    bytes += portion
                }
            } catch {
                // A reset, or TLS that was cut: either tells.
            }
            let answer = try RawAnswer(bytes)
            #expect(answer.announcedCount == all.count && answer.content.count < all.count)
            // Behind the cut the kernel zeroes what sendfile has lent to the socket. Not as a comparison of the
            // expectation's own, which would look for the difference for minutes.
            let isBeginning = all.starts(with: answer.content.prefix(left))
            #expect(isBeginning)
            #expect(site.log.messages == ["a file changed or failed while it was sent"])
            #expect(site.files.openFiles.count == 0)
            // Nobody else is hurt.
            let rest = try await site.get("/s/f").content
            #expect(rest.count == left && all.starts(with: rest))
        }
    }

    @Test func aFileThatGrowsIsSentAsFarAsItWasAnnounced() async throws {
        try await StaticSite.with { site in
            let all = StaticSite.pattern(Self.large)
            try site.directory.write("f", all)
            let client = try site.connect()
            try await client.send(self.request("/s/f", "Connection: close\r\n"))
            var bytes = try await client.receive()
            let file = try #require(FileHandle(forWritingAtPath: site.directory["f"]))
            try file.seekToEnd()
            try file.write(contentsOf: Data("more".utf8))
            bytes += try await client.bytesToTheEnd()
            #expect(try RawAnswer(bytes).content == all)
        }
    }

    @Test(arguments: [TestTransport.plain, .tls])
    func slowReadersCostLittleAndHoldUpNobody(transport: TestTransport) async throws {
        try await StaticSite.with(transport) { site in
            let all = StaticSite.pattern(Self.large)
            try site.directory.write("f", all)
            try site.directory.write("small", "small")
            let before = HeapUsage.bytes
            var slow: [RawClient] = []
            for _ in 0..<64 {
                let client = try site.connect()
                try await client.send(self.request("/s/f", "Connection: close\r\n"))
                slow.append(client)
            }
            for client in slow { _ = try await client.receive(atMost: 100) }
            #expect(try await site.get("/s/small").text == "small")
            // Suites that run beside this one use some too.
            let grown = HeapUsage.bytes - before
            #expect(grown < 64 * 1024 * 1024, "\(grown) bytes for 64 readers of \(Self.large)")
            #expect(site.files.openFiles.count == 1)
            let first = try await slow[0].bytesToTheEnd()
            #expect(Array(first.suffix(1_000_000)) == Array(all.suffix(1_000_000)))
            for client in slow { client.resetOnClose() }
        }
    }

    @Test func whoReadsNothingIsCutOff() async throws {
        var limits = HTTPLimits()
        limits.writeDeadline = .milliseconds(300)
        try await StaticSite.with(limits: limits) { site in
            try site.directory.write("f", StaticSite.pattern(Self.large))
            let client = try site.connect()
            try await client.send(self.request("/s/f"))
            try await waitUntil { site.files.openFiles.count > 0 }
            try await waitUntil { site.files.openFiles.count == 0 }
        }
    }

    @Test func aFileThatIsNotInMemoryIsReadAheadElsewhere() async throws {
        try await StaticSite.with { site in
            let all = StaticSite.pattern(5_000_000)
            try site.directory.write("f", all)
            let fd = open(site.directory["f"], O_RDONLY)
            defer { close(fd) }
            fsync(fd)
            posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED)
            let file = try RegularFile(path: site.directory["f"])
            let isCold = !FileRegion(file, offset: 0, count: 5_000_000).isInMemory
            #expect(try await site.get("/s/f").content == all)
            // File systems may keep it, and then there is nothing to wait for.
            if isCold { #expect(site.files.reader.counters.readAhead.load(ordering: .relaxed) > 0) }
            #expect(FileRegion(file, offset: 0, count: 5_000_000).isInMemory)
        }
    }

    @Test func aRunningAnswerIsTheLastOfADrain() async throws {
        try await StaticSite.with { site in
            let all = StaticSite.pattern(Self.large)
            try site.directory.write("f", all)
            let client = try site.connect()
            try await client.send(self.request("/s/f") + self.request("/s/f"))
            var bytes = try await client.receive()
            async let drained = site.listener.drain(deadline: .seconds(20))
            bytes += try await client.bytesToTheEnd()
            #expect(try RawAnswer(bytes).content == all)
            #expect(await drained)
        }
    }
}
