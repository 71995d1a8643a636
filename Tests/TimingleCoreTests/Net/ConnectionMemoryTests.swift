import Synchronization
import Testing
import TimingleTestSupport

@testable import TimingleNet

/// Holds connections at their worst and compares the heap with what their limits promise.
@Suite(.serialized, .enabled(if: HeapUsage.isMeasured, "another allocator counts"))
struct ConnectionMemoryTests {
    private static let count = 24

    /// Sends small frames when it is opened, until the kernel takes no more and the outbox is nearly full.
    private final class Babbler: WebSocketHandler {
        private let queuedBytes: Int
        init(queuedBytes: Int) { self.queuedBytes = queuedBytes }

        func opened(_ socket: WebSocketConnection) {
            guard self.queuedBytes > 0 else { return }
            var verdict = Outbox.Verdict.sent
            while verdict == .sent || verdict == .queued && socket.queuedBytes < self.queuedBytes {
                verdict = socket.send(binary: [UInt8](repeating: 7, count: 62))
            }
        }

        func textReceived(_ text: Span<UInt8>, on socket: WebSocketConnection) {
            socket.send(text: text.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) })
        }
        func binaryReceived(_ bytes: Span<UInt8>, on socket: WebSocketConnection) {}
        func closed(_ code: WebSocketCloseCode, on socket: WebSocketConnection) {}
    }

    private static var limits: HTTPLimits {
        var limits = HTTPLimits()
        limits.outboxBytes = 256 * 1024
        // Bytes are measured here; a slow machine has all the time.
        limits.headDeadline = .seconds(600)
        limits.bodyDeadline = .seconds(600)
        limits.bodyGrace = .seconds(600)
        limits.writeDeadline = .seconds(600)
        return limits
    }

    private static var webSocketLimits: WebSocketLimits {
        var limits = WebSocketLimits()
        limits.outboxBytes = 256 * 1024
        limits.pingInterval = .seconds(600)
        limits.readTimeout = .seconds(700)
        limits.writeTimeout = .seconds(600)
        return limits
    }

    /// Mean bytes a connection once `sent` has arrived at all of them.
    private func heapBytesEach(_ sent: [UInt8], queuedFrameBytes: Int = 0) async throws -> Int {
        try await withEventLoopGroup(count: 1) { group in
            let waiting = Mutex<[CheckedContinuation<Void, Never>]>([])
            var configuration = HTTPServerConfiguration { request, _ in
                switch request.path {
                case "/wait":
                    await withCheckedContinuation { continuation in waiting.withLock { $0.append(continuation) } }
                    return HTTPResponse(.ok)
                case "/socket":
                    return .upgrade(WebSocketUpgrade { Babbler(queuedBytes: queuedFrameBytes) })
                default:
                    return HTTPResponse(.ok, body: .bytes([UInt8](repeating: 0x78, count: 250_000)))
                }
            }
            configuration.limits = Self.limits
            configuration.webSocketLimits = Self.webSocketLimits
            configuration.webSocketDeflate = Self.deflate
            let listener = try await Listener.bind(configuration, group: group)
            var clients: [RawClient] = []
            for _ in 0..<Self.count {
                clients.append(try RawClient(port: listener.port, receiveBufferBytes: 4_096))
                try await clients.last?.send(Array("GET".utf8))
            }
            try await self.settle(group)
            let before = HeapUsage.bytes
            for client in clients {
                // In portions, so that what is kept grows as it does on a slow line.
                var rest = sent[...]
                while !rest.isEmpty {
                    try await client.send(Array(rest.prefix(3_000)))
                    rest = rest.dropFirst(3_000)
                }
            }
            try await self.settle(group)
            let each = (HeapUsage.bytes - before) / Self.count
            #expect(listener.connectionCount == Self.count, "a connection was given up")
            for continuation in waiting.withLock({ $0 }) { continuation.resume() }
            clients = []
            await listener.close()
            return each
        }
    }

    /// Three tries: what else runs in the process may free memory meanwhile.
    private func expectEach(_ range: ClosedRange<Int>, _ measure: () async throws -> Int) async throws {
        var seen: [Int] = []
        while seen.count < 3 {
            seen.append(try await measure())
            if range.contains(seen[seen.count - 1]) { return }
        }
        Issue.record("\(seen) bytes each, not in \(range)")
    }

    /// Lets the loop take what is on its way: turns go by, and the heap stands still.
    private func settle(_ group: EventLoopGroup) async throws {
        var last = Int.min / 2
        while abs(HeapUsage.bytes - last) > 2_048 {
            last = HeapUsage.bytes
            for _ in 0..<10 { try await group.loops[0].enter {} }
            try await Task.sleep(for: .milliseconds(30))
        }
    }

    /// Contexts that are agreed on by who offers them.
    private static var deflate: PerMessageDeflate {
        var deflate = PerMessageDeflate()
        deflate.keepsContext = true
        deflate.bytesMin = 0
        return deflate
    }

    private static func upgrade(_ bytes: [UInt8], fields: String = "") -> [UInt8] {
        Array(
            (" /socket HTTP/1.1\r\nHost: a\r\n\(fields)Upgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n").utf8
        ) + bytes
    }

    private static let bound = ConnectionMemory(limits, webSocketLimits)

    @Test func anUnfinishedHeadIsWithinTheBound() async throws {
        let head = " / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "x", count: 16_000)
        try await self.expectEach(16_000...(Self.bound.receivedBytes + ConnectionMemory.objectBytes)) {
            try await self.heapBytesEach(Array(head.utf8))
        }
    }

    @Test func pipelinedRequestsAreWithinTheBound() async throws {
        let requests =
            " /wait HTTP/1.1\r\nHost: a\r\n\r\n" + String(repeating: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", count: 8_000)
        // Only as much is read as may wait; the rest stays in the kernel, and the client is not kept from sending it.
        try await self.expectEach(64 * 1024...(Self.bound.receivedBytes + ConnectionMemory.objectBytes)) {
            try await self.heapBytesEach(Array(requests.utf8.prefix(150_000)))
        }
    }

    @Test func anUnfinishedBodyIsWithinTheBound() async throws {
        let body = " / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n" + String(repeating: "x", count: 8_000)
        try await self.expectEach(8_000...(Self.bound.bodyBytes + ConnectionMemory.objectBytes)) {
            try await self.heapBytesEach(Array(body.utf8))
        }
    }

    @Test func unreadAnswersAreWithinTheBound() async throws {
        let requests =
            " / HTTP/1.1\r\nHost: a\r\n\r\n" + String(repeating: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", count: 20)
        try await self.expectEach(
            100_000...(Self.bound.answerBytes + Self.bound.receivedBytes + ConnectionMemory.objectBytes)
        ) { try await self.heapBytesEach(Array(requests.utf8)) }
    }

    @Test func anUnfinishedMessageIsWithinTheBound() async throws {
        let fragment = WebSocketClientFrame(0x2, [UInt8](repeating: 7, count: 60_000), isFinal: false).bytes
        try await self.expectEach(60_000...(Self.bound.messageBytes + ConnectionMemory.objectBytes)) {
            try await self.heapBytesEach(Self.upgrade(fragment))
        }
    }

    @Test func unreadFramesAreWithinTheBoundHoweverSmall() async throws {
        // 64 bytes each with their heads, and nearly as many as an outbox of that size takes.
        try await self.expectEach(240_000...(Self.bound.frameBytes + ConnectionMemory.objectBytes)) {
            try await self.heapBytesEach(Self.upgrade([]), queuedFrameBytes: 240_000)
        }
    }

    @Test func contextsOfCompressionAreWithinTheBound() async throws {
        // "Hello" (RFC 7692 section 7.2.3.1), which is sent back: a window each way.
        var hello = WebSocketClientFrame(0x1, [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00])
        hello.reserved = 4
        var configuration = HTTPServerConfiguration { _, _ in HTTPResponse(.ok) }
        configuration.webSocketDeflate = Self.deflate
        let contextBytes = ConnectionMemory(configuration).contextBytes
        let fields = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
        try await self.expectEach(150_000...(contextBytes + ConnectionMemory.objectBytes)) {
            try await self.heapBytesEach(Self.upgrade(hello.bytes, fields: fields))
        }
        configuration.webSocketDeflate?.contextBytesPerLoop = 1_000
        #expect(ConnectionMemory(configuration).contextBytes == 1_000)
        configuration.webSocketDeflate?.keepsContext = false
        #expect(ConnectionMemory(configuration).contextBytes == 0)
    }

    @Test func theWorstOfAConnectionIsTheSumOfWhatItCanHoldAtOnce() {
        let memory = Self.bound
        #expect(memory.receivedBytes == 2 * (64 + 64) * 1024)
        // A compressed message of 64 KiB may have 128 bytes more.
        #expect(memory.messageBytes == 2 * (65_536 + 128))
        #expect(memory.bytesMax == 4_096 + 262_144 + memory.messageBytes + 786_432)
        var limits = Self.limits
        limits.outboxBytes = 1_048_576
        limits.fieldSectionBytes = 256 * 1024
        let larger = ConnectionMemory(limits, Self.webSocketLimits)
        #expect(larger.receivedBytes == 2 * (8_192 + 262_144 + 16 + 65_536))
        #expect(larger.bytesMax == 4_096 + larger.receivedBytes + 16_384 + 3_145_728)
    }
}
