import Testing
import TimingleTestSupport

@testable import TimingleNet

/// What one delivery may cost: nobody else on the loop waits for ten thousand messages of one peer.
struct WebSocketFairnessTests {
    private final class World {
        let socket = MemorySocket()
        let handler = RecordingWebSocketHandler()
        let stream: StreamConnection
        let webSocket: WebSocketConnection

        init(_ loop: EventLoop) throws {
            self.stream = StreamConnection(
                io: try self.socket.io(),
                loop: loop,
                peerAddress: .unspecified,
                handler: InertStreamHandler.shared
            )
            let shard = PerMessageDeflateShard(PerMessageDeflate())
            let offers = WebSocketExtensionOffer.all(["permessage-deflate"]) ?? []
            self.webSocket = WebSocketConnection(
                stream: self.stream,
                handler: self.handler,
                settings: WebSocketSettings(WebSocketLimits()),
                codec: shard.agree(to: offers).map { shard.makeCodec($0) }
            )
            self.webSocket.open()
            try self.stream.open()
        }
    }

    /// Feeds all of it at once, and tells how many messages came then; `then` is asked when all of them have come.
    private func feed(
        _ bytes: [UInt8],
        count: Int,
        habit: @escaping @Sendable (World) -> Void = { _ in },
        then check: @escaping @Sendable (World) -> Void
    ) async throws -> Int {
        try await withEventLoopGroup(count: 1) { group in
            let loop = group.loops[0]
            let world = try await loop.enter { LoopBound(try World(loop), on: loop) }
            let first = try await loop.enter {
                habit(world.value)
                world.value.socket.feed(bytes)
                // The end of the stream is seen at once where it is looked for.
                world.value.socket.feedEnd()
                return world.value.handler.texts.count
            }
            try await waitUntil { try await loop.enter { world.value.handler.texts.count >= count } }
            for _ in 0..<3 { try await loop.enter {} }
            try await loop.enter {
                check(world.value)
                world.value.stream.abort()
            }
            try await loop.enter {}
            return first
        }
    }

    private static func deflated(_ text: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        let deflater = Deflater(.raw(windowBits: 15), level: 6)
        text.withUnsafeBytes { deflater.compress($0, .sync, into: &output) }
        var frame = WebSocketClientFrame(0x1, output.dropLast(4))
        frame.reserved = 4
        return frame.bytes
    }

    @Test(arguments: [1, 1_023, 1_024, 1_025, 5_000])
    func smallMessagesOfOneReadAreHandedOutInPortions(count: Int) async throws {
        let bytes = (0..<count).flatMap { WebSocketClientFrame.text("\($0)") }
        let first = try await self.feed(bytes + WebSocketClientFrame.close(1000), count: count) { world in
            #expect(world.handler.texts == (0..<count).map { "\($0)" })
            // Neither the Close behind them nor the end of the stream has overtaken any.
            #expect(world.handler.closed == [.normal])
        }
        #expect(first == min(count, 1_024))
    }

    @Test func controlFramesAndFragmentsCountToo() async throws {
        let ping = WebSocketClientFrame(0x9, [1]).bytes
        var bytes: [UInt8] = []
        for _ in 0..<1_500 { bytes += ping }
        bytes += WebSocketClientFrame(0x1, Array("a".utf8), isFinal: false).bytes
        for _ in 0..<1_500 { bytes += WebSocketClientFrame(0x0, Array("b".utf8), isFinal: false).bytes + ping }
        bytes += WebSocketClientFrame(0x0, Array("c".utf8)).bytes
        let first = try await self.feed(bytes, count: 1) { world in
            #expect(world.handler.texts == ["a" + String(repeating: "b", count: 1_500) + "c"])
        }
        #expect(first == 0)
    }

    @Test func whatIsPackedCountsByWhatItUnpacksTo() async throws {
        let text = [UInt8](repeating: UInt8(ascii: "x"), count: 60_000)
        let bytes = (0..<100).flatMap { _ in Self.deflated(text) }
        #expect(bytes.count < 60_000)
        let first = try await self.feed(bytes + WebSocketClientFrame.close(1000), count: 100) { world in
            #expect(world.handler.texts.allSatisfy { $0.utf8.count == 60_000 })
            #expect(world.handler.closed == [.normal])
        }
        #expect(first == 5)
    }

    @Test func aHandlerMayPauseAndGoOnBetweenPortions() async throws {
        let bytes = (0..<3_000).flatMap { WebSocketClientFrame.text("\($0)") }
        _ = try await self.feed(bytes + WebSocketClientFrame.close(1000), count: 3_000) { world in
            world.handler.onText = { socket in
                guard Int.random(in: 0..<50) == 0 else { return }
                socket.pauseReading()
                socket.loop.schedule(after: .zero) { socket.resumeReading() }
            }
        } then: { world in
            #expect(world.handler.texts == (0..<3_000).map { "\($0)" })
            #expect(world.handler.closed == [.normal])
        }
    }

    @Test func anEndBetweenPortionsIsAnEnd() async throws {
        let bytes = (0..<3_000).flatMap { WebSocketClientFrame.text("\($0)") }
        let first = try await self.feed(bytes, count: 1_024) { world in
            world.webSocket.loop.schedule(after: .zero) { world.webSocket.close(.signedOut) }
        } then: { world in
            // After our Close the peer's messages go to nobody.
            #expect(world.handler.texts.count == 1_024)
            #expect(world.handler.closed == [.signedOut])
        }
        #expect(first == 1_024)
    }
}
