import Synchronization
import Testing
import TimingleTestSupport

@testable import TimingleNet

/// A listener that serves a directory, for the length of one test.
struct StaticSite: Sendable {
    let directory: TemporaryDirectory
    let files: StaticFiles
    let listener: Listener
    let group: EventLoopGroup
    let transport: TestTransport
    let log: RecordingLog

    static func with(
        _ transport: TestTransport = .plain,
        limits: HTTPLimits = HTTPLimits(),
        _ staticLimits: StaticFiles.Limits = Self.settled,
        reader: FileReader = FileReader(),
        _ body: (StaticSite) async throws -> Void
    ) async throws {
        try await TemporaryDirectory.with { directory in
            try await withEventLoopGroup(count: 1) { group in
                let root = try DirectoryRoot(path: directory.path)
                let files = StaticFiles(root: root, at: "/s", limits: staticLimits, reader: reader)
                let log = RecordingLog()
                var configuration = HTTPServerConfiguration(log: log.log, responder: { try await files($0, $1) })
                configuration.limits = limits
                if transport == .tls { configuration.tls = try TestTransport.serverContext.get() }
                try await withListener(configuration, group: group) { listener in
                    try await body(
                        StaticSite(
                            directory: directory,
                            files: files,
                            listener: listener,
                            group: group,
                            transport: transport,
                            log: log
                        )
                    )
                }
            }
        }
    }

    /// Tags are strong from the beginning.
    static var settled: StaticFiles.Limits {
        var limits = StaticFiles.Limits()
        limits.settling = .zero
        return limits
    }

    /// Bytes that tell where they are from.
    static func pattern(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            var state: UInt32 = 1
            for index in 0..<count {
                state = state &* 1_664_525 &+ 1_013_904_223
                buffer[index] = UInt8(truncatingIfNeeded: state >> 24)
            }
            filled = count
        }
    }

    func connect(receiveBufferBytes: Int32? = nil) throws -> RawClient {
        try RawClient(port: self.listener.port, receiveBufferBytes: receiveBufferBytes, transport: self.transport)
    }

    /// Asks by a connection of its own, and reads to its end.
    func get(_ path: String, _ fields: [String: String] = [:], method: String = "GET") async throws -> RawAnswer {
        let client = try self.connect()
        let lines = fields.map { "\($0.key): \($0.value)\r\n" }.joined()
        try await client.send("\(method) \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\(lines)\r\n")
        return try RawAnswer(try await client.bytesToTheEnd())
    }
}

/// An answer as it came, head and content apart.
struct RawAnswer {
    let status: Int
    let fields: [String: String]
    var content: [UInt8]

    /// Where the head ends, which is in the first few KiB.
    static func headEnd(in bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        let end: [UInt8] = [13, 10, 13, 10]
        return (0...min(bytes.count - 4, 4_096)).first { bytes[$0] == 13 && bytes[$0..<($0 + 4)].elementsEqual(end) }
    }

    init(_ bytes: [UInt8]) throws {
        let headEnd = try #require(Self.headEnd(in: bytes), "no head in \(bytes.count) bytes")
        let lines = String(decoding: bytes[..<headEnd], as: UTF8.self).split(separator: "\r\n")
        self.status = try #require(Int(lines[0].split(separator: " ")[1]))
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            fields[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
        }
        self.fields = fields
        self.content = Array(bytes[(headEnd + 4)...])
    }

    var text: String { String(decoding: self.content, as: UTF8.self) }
    subscript(name: String) -> String? { self.fields[name.lowercased()] }
    var announcedCount: Int? { self["Content-Length"].flatMap { Int($0) } }
}

/// The end came before an answer's.
struct ClosedEarly: Error {}

extension RawClient {
    func bytesToTheEnd() async throws -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let portion = try await self.receive(atMost: 1024 * 1024)
            guard !portion.isEmpty else { return all }
            all += portion
        }
    }

    /// Reads exactly one answer with a length.
    func answer() async throws -> RawAnswer {
        var all: [UInt8] = []
        while RawAnswer.headEnd(in: all) == nil { all += try await self.portion() }
        var answer = try RawAnswer(all)
        while answer.content.count < answer.announcedCount ?? 0 { answer.content += try await self.portion() }
        #expect(answer.content.count == answer.announcedCount ?? 0)
        return answer
    }

    private func portion() async throws -> [UInt8] {
        let portion = try await self.receive(atMost: 64 * 1024)
        guard !portion.isEmpty else { throw ClosedEarly() }
        return portion
    }
}

/// Keeps the messages of warnings and errors.
///
/// Any thread (Mutex).
final class RecordingLog: LogSink {
    private let lines = Mutex<[String]>([])

    var log: Log { Log(label: "test", level: .warning, sink: self) }
    var messages: [String] { self.lines.withLock { $0 } }

    func write(_ line: LogLine) { self.lines.withLock { $0.append(line.message) } }
}
