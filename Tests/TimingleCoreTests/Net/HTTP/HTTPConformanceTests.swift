import Testing
import TimingleTestSupport

@testable import TimingleNet

/// RFC 9110 and 9112, section by section: bytes in, answers and the connection's end out.
struct HTTPConformanceTests {
    /// One connection over a socket in memory.
    ///
    /// Loop-confined.
    private final class World {
        let socket = MemorySocket()
        let stream: StreamConnection

        init(_ shard: HTTPServerShard) throws {
            let connection = HTTPServerConnection(shard: shard)
            self.stream = StreamConnection(
                io: try self.socket.io(),
                loop: shard.loop,
                peerAddress: .unspecified,
                handler: connection
            )
            try self.stream.open()
            connection.begin(on: self.stream, refusal: nil)
        }

        var hasEnded: Bool { self.socket.isWriteShut || self.socket.isClosed }
    }

    /// What one run of a case gave.
    private struct Outcome: Equatable, Sendable {
        var bytes: [UInt8]
        var hasEnded: Bool
    }

    static var configuration: HTTPServerConfiguration {
        var router = Router()
        for path in ["/", "/x", "/b"] {
            for method in [HTTPMethod.get, .post, .put] { router.on(method, path, self.echo) }
        }
        router.on(.get, "/only-get", self.echo)
        router.on(.get, "/status/{code}") { _, context in
            let code = context.parameters["code"].flatMap { Int($0) } ?? 500
            return HTTPResponse(HTTPStatus(code: code), fields: ["ETag": "\"x\""], body: .bytes(Array("content".utf8)))
        }
        router.on(.get, "/fails") { _, _ in throw CancellationError() }
        router.on(.get, "/fields") { _, _ in
            // A handler cannot state what is the connection's business, nor end a line.
            HTTPResponse(
                .ok,
                fields: [
                    "Content-Length": "999", "Transfer-Encoding": "chunked", "Date": "never", "Connection": "upgrade",
                    "X": "a\r\nInjected: b",
                ]
            )
        }
        var configuration = HTTPServerConfiguration(
            responder: router.frozen(
                middleware: [],
                notFound: { _, _ in HTTPResponse(.notFound) },
                methodNotAllowed: { _ in HTTPResponse(.methodNotAllowed) }
            )
        )
        configuration.limits.bodyBytes = 1_000
        configuration.limits.chunkFramingBytes = 2_000
        configuration.limits.trailerBytes = 500
        return configuration
    }

    /// `METHOD target host [body]`.
    private static let echo: HTTPHandler = { request, _ in
        let body = String(decoding: request.body, as: UTF8.self)
        let host = request.fields["Host"] ?? "-"
        return HTTPResponse(.ok, body: .bytes(Array("\(request.method) \(request.target) \(host) [\(body)]".utf8)))
    }

    /// Feeds each list of portions to a connection of its own, portion by portion.
    private static func run(_ portions: [[[UInt8]]], on loop: EventLoop) async throws -> [Outcome] {
        let worlds = try await loop.enter {
            let shard = HTTPServerShard(
                loop: loop,
                configuration: Self.configuration,
                load: ShardLoad(),
                connectionEnded: {}
            )
            return LoopBound(try portions.map { _ in try World(shard) }, on: loop)
        }
        for step in 0..<(portions.map(\.count).max() ?? 0) {
            try await loop.enter {
                for (world, list) in zip(worlds.value, portions) where step < list.count && !world.socket.isClosed {
                    world.socket.feed(list[step])
                }
            }
        }
        // Nothing suspends: each turn runs the requests that are there and flushes; pipelined ones take a few.
        var written = -1
        while true {
            let now = try await loop.enter { worlds.value.reduce(0) { $0 + $1.socket.writtenCount } }
            if now == written { break }
            written = now
            for _ in 0..<4 { try await loop.enter {} }
        }
        return try await loop.enter {
            let outcomes = worlds.value.map { Outcome(bytes: $0.socket.written, hasEnded: $0.hasEnded) }
            for world in worlds.value { world.stream.abort() }
            return outcomes
        }
    }

    private static func check(_ test: HTTPConformanceCase, _ bytes: [UInt8], hasEnded: Bool, _ how: String) {
        let text = String(decoding: bytes, as: UTF8.self)
        let heads = test.answers.map { $0.hasPrefix("HEAD ") }
        guard let answers = HTTPAnswer.read(bytes, isHead: { $0 < heads.count && heads[$0] }) else {
            Issue.record("\(test.name) \(how): no sequence of answers: \(text.debugDescription)")
            return
        }
        let expected = test.answers.map { $0.hasPrefix("HEAD ") ? String($0.dropFirst(5)) : $0 }
        let found = zip(answers, expected + Array(repeating: "", count: max(0, answers.count - expected.count)))
            .map { answer, wish in wish.contains(" ") ? "\(answer.status) \(answer.content)" : "\(answer.status)" }
        #expect(found == expected, "\(test.name) \(how): \(text.debugDescription)")
        #expect(hasEnded == (test.end == .close), "\(test.name) \(how): the connection's end")
        for (index, answer) in answers.enumerated() {
            let isLast = index == answers.count - 1
            Self.checkFields(answer, saysClose: isLast && test.end == .close, "\(test.name) \(how)")
        }
    }

    /// What holds for every final answer (RFC 9110 sections 6.6.1 and 8.6, RFC 9112 section 9.6).
    private static func checkFields(_ answer: HTTPAnswer, saysClose: Bool, _ name: String) {
        guard answer.status >= 200 else {
            #expect(answer.fieldLines.isEmpty, "\(name): an interim answer has fields")
            return
        }
        let date = answer.values("Date")
        #expect(date.count == 1 && date[0].wholeMatch(of: Self.imfFixdate) != nil, "\(name): Date")
        let forbidsLength = answer.status == 204 || answer.status == 304
        #expect(answer.values("Content-Length").count == (forbidsLength ? 0 : 1), "\(name): Content-Length")
        #expect(answer.values("Transfer-Encoding").isEmpty, "\(name): Transfer-Encoding")
        #expect(answer.values("Connection").contains("close") == saysClose, "\(name): Connection: close")
        #expect(answer.values("Allow").isEmpty || [204, 405, 501].contains(answer.status), "\(name): Allow")
        #expect(answer.status != 405 || answer.values("Allow").count == 1, "\(name): 405 without Allow")
        #expect(answer.values("Injected").isEmpty, "\(name): a field was injected")
    }

    // A regular expression is a value that never changes.
    private nonisolated(unsafe) static let imfFixdate =
        /(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT/

    @Test(arguments: HTTPConformanceTables.all)
    func theAnswerIsAsTheSectionSays(test: HTTPConformanceCase) async throws {
        try await withEventLoopGroup(count: 1) { group in
            let outcome = try await Self.run([[test.wire]], on: group.loops[0])[0]
            Self.check(test, outcome.bytes, hasEnded: outcome.hasEnded, "whole")
        }
    }

    @Test func everySplitGivesTheSameAnswers() async throws {
        try await withEventLoopGroup(count: 1) { group in
            for test in HTTPConformanceTables.all where test.isCut {
                let bytes = test.wire
                // A handshake each takes its time.
                let step = TestTransport.current == .tls ? 11 : 1
                let portions = stride(from: 1, to: bytes.count, by: step).map {
                    [Array(bytes[..<$0]), Array(bytes[$0...])]
                }
                for (cut, outcome) in zip(
                    stride(from: 1, to: bytes.count, by: step),
                    try await Self.run(portions, on: group.loops[0])
                ) {
                    // What is asked to wait for its content says so only where the content is not there yet.
                    guard !test.answers.contains("100") else { continue }
                    Self.check(test, outcome.bytes, hasEnded: outcome.hasEnded, "cut at \(cut)")
                }
            }
        }
    }

    @Test func byteByByteGivesTheSameAnswers() async throws {
        try await withEventLoopGroup(count: 1) { group in
            let tests = HTTPConformanceTables.all.filter { $0.isCut && !$0.answers.contains("100") }
            let portions = tests.map { $0.wire.map { [$0] } }
            for (test, outcome) in zip(tests, try await Self.run(portions, on: group.loops[0])) {
                Self.check(test, outcome.bytes, hasEnded: outcome.hasEnded, "byte by byte")
            }
        }
    }

    /// Over a real socket the client sees the whole refusal although it is still sending, and then the end.
    @Test func aRealClientSeesTheSame() async throws {
        try await withEventLoopGroup(count: 1) { group in
            var configuration = Self.configuration
            try configuration.useTestTransport()
            try await withListener(configuration, group: group) { listener in
                for test in HTTPConformanceTables.all {
                    let client = try RawClient(port: listener.port)
                    try await client.send(test.wire)
                    // An end of the client's half is no reason to lose what waits.
                    if test.end == .keep { try await client.finishSending() }
                    let bytes = Array(try await client.receiveAll().utf8)
                    Self.check(test, bytes, hasEnded: test.end == .close, "over a socket")
                }
            }
        }
    }

    @Test func namesAreUniqueAndGoodForFiles() {
        let names = HTTPConformanceTables.all.map(\.name)
        #expect(Set(names).count == names.count)
        for name in names { #expect(name.wholeMatch(of: /9\d{3}-[0-9a-z.\-]+/) != nil, "\(name)") }
    }
}
