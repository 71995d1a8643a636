import Testing
import TimingleTestSupport

@testable import TimingleNet

/// Whole connections that agreed on permessage-deflate (RFC 7692).
struct WebSocketCompressionTests {
    /// A WebSocket over a socket in memory.
    ///
    /// Loop-confined.
    private final class World {
        let socket = MemorySocket()
        let handler = RecordingWebSocketHandler()
        let stream: StreamConnection
        let webSocket: WebSocketConnection

        init(
            _ loop: EventLoop,
            limits: WebSocketLimits = WebSocketLimits(),
            offer: String? = "permessage-deflate",
            shard: PerMessageDeflateShard
        ) throws {
            self.stream = StreamConnection(
                io: try self.socket.io(),
                loop: loop,
                peerAddress: .unspecified,
                handler: InertStreamHandler.shared
            )
            let offers = offer.flatMap { WebSocketExtensionOffer.all([$0]) } ?? []
            self.webSocket = WebSocketConnection(
                stream: self.stream,
                handler: self.handler,
                settings: WebSocketSettings(limits),
                codec: shard.agree(to: offers).map { shard.makeCodec($0) }
            )
            self.webSocket.open()
            try self.stream.open()
        }

        func feed(_ opcode: UInt8, _ payload: [UInt8], final isFinal: Bool = true, marked: Bool = true) {
            var frame = WebSocketClientFrame(opcode, payload, isFinal: isFinal)
            frame.reserved = marked ? 4 : 0
            // No more than one read takes.
            var rest = frame.bytes[...]
            while !rest.isEmpty {
                self.socket.feed(Array(rest.prefix(32_768)))
                rest = rest.dropFirst(32_768)
            }
        }

        var frames: [WebSocketServerFrame]? { WebSocketServerFrame.all(in: self.socket.written) }
    }

    private static func shard(keepsContext: Bool = false, bytesMin: Int = 0) -> PerMessageDeflateShard {
        var settings = PerMessageDeflate()
        settings.keepsContext = keepsContext
        settings.bytesMin = bytesMin
        return PerMessageDeflateShard(settings)
    }

    /// Runs the steps one after another on a loop, each in its own turn.
    private func run(
        limits: WebSocketLimits = WebSocketLimits(),
        keepsContext: Bool = false,
        bytesMin: Int = 0,
        offer: String? = "permessage-deflate",
        _ steps: [@Sendable (World) -> Void]
    ) async throws {
        try await withEventLoopGroup(count: 1) { group in
            let loop = group.loops[0]
            let world = try await loop.enter {
                let shard = Self.shard(keepsContext: keepsContext, bytesMin: bytesMin)
                return LoopBound(try World(loop, limits: limits, offer: offer, shard: shard), on: loop)
            }
            for step in steps {
                try await loop.enter { step(world.value) }
                for _ in 0..<3 { try await loop.enter {} }
            }
            try await loop.enter { world.value.stream.abort() }
            try await loop.enter {}
        }
    }

    /// What a client makes of messages, and of ours; with a context or without.
    private final class Client {
        private let deflater: Deflater
        private let inflater: Inflater
        private let keepsContext: Bool

        init(windowBits: Int = 15, serverWindowBits: Int = 15, keepsContext: Bool = false, level: Int = 6) {
            self.deflater = Deflater(.raw(windowBits: windowBits), level: level)
            self.inflater = Inflater(rawWindowBits: serverWindowBits)
            self.keepsContext = keepsContext
        }

        func deflate(_ bytes: [UInt8]) -> [UInt8] {
            if !self.keepsContext { self.deflater.reset() }
            var output: [UInt8] = []
            bytes.withUnsafeBytes { self.deflater.compress($0, .sync, into: &output) }
            return output.dropLast(4)
        }

        func read(_ frame: WebSocketServerFrame) -> [UInt8]? {
            guard frame.isCompressed else { return frame.payload }
            if !self.keepsContext { self.inflater.reset() }
            var output: [UInt8] = []
            let whole = frame.payload + [0x00, 0x00, 0xFF, 0xFF]
            do {
                try whole.withUnsafeBytes { try self.inflater.inflate($0, into: &output, limit: .max - 1) }
            } catch {
                return nil
            }
            return output
        }
    }

    // MARK: The examples of RFC 7692 section 7.2.3

    private static let hello: [UInt8] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]

    @Test func helloInOneFrameAndInTwo() async throws {
        try await self.run([
            { world in
                world.feed(0x1, Self.hello)
                world.feed(0x1, Array(Self.hello[..<3]), final: false)
                world.feed(0x0, Array(Self.hello[3...]), marked: false)
                #expect(world.handler.texts == ["Hello", "Hello"])
            }
        ])
    }

    @Test func theSecondHelloRefersToTheFirstWhereTheClientKeepsItsContext() async throws {
        let second: [UInt8] = [0xF2, 0x00, 0x11, 0x00, 0x00]
        try await self.run(
            keepsContext: true,
            [
                { world in
                    world.feed(0x1, Self.hello)
                    world.feed(0x1, second)
                    world.feed(0x1, Self.hello)
                    #expect(world.handler.texts == ["Hello", "Hello", "Hello"])
                }
            ]
        )
        // Where that was not agreed on, it refers to nothing.
        try await self.run([
            { world in
                world.feed(0x1, Self.hello)
                world.feed(0x1, second)
                #expect(world.handler.texts == ["Hello"])
                #expect(world.handler.closed == [.invalidPayload])
            },
            { world in #expect(world.frames == [.close(1007, "message does not inflate")]) },
        ])
    }

    @Test(
        arguments: [
            // Not compressed, section 7.2.3.3.
            [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00],
            // With BFINAL, section 7.2.3.4.
            [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00],
            // Two blocks, section 7.2.3.5.
            [0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00],
        ] as [[UInt8]]
    )
    func blocksOfAllKindsAreHello(payload: [UInt8]) async throws {
        for keepsContext in [false, true] {
            try await self.run(
                keepsContext: keepsContext,
                [
                    { world in
                        for _ in 0..<2 { world.feed(0x1, payload) }
                        world.feed(0x2, payload)
                        #expect(world.handler.texts == ["Hello", "Hello"])
                        #expect(world.handler.binaries == [Array("Hello".utf8)])
                    }
                ]
            )
        }
    }

    @Test func whatIsSentIsTheBytesOfTheRFC() async throws {
        let text = String(repeating: "Hello", count: 4)
        try await self.run(
            keepsContext: true,
            [
                { world in
                    world.webSocket.send(text: text)
                    world.webSocket.send(text: text)
                },
                { world in
                    let frames = world.frames ?? []
                    let client = Client(keepsContext: true)
                    #expect(frames.map(\.isCompressed) == [true, true])
                    let read = frames.compactMap { client.read($0) }
                    #expect(read == [Array(text.utf8), Array(text.utf8)])
                    // The second is little more than a reference.
                    #expect(frames.last.map { $0.payload.count } ?? 99 <= 6)
                },
            ]
        )
    }

    @Test func emptyMessagesAreMessages() async throws {
        for keepsContext in [false, true] {
            try await self.run(
                keepsContext: keepsContext,
                [
                    { world in
                        world.feed(0x1, [0x00])
                        world.feed(0x1, [])
                        world.feed(0x2, [], final: false)
                        world.feed(0x0, [0x00], marked: false)
                        world.feed(0x1, [], marked: false)
                        #expect(world.handler.texts == ["", "", ""])
                        #expect(world.handler.binaries == [[]])
                        #expect(world.webSocket.send(text: "") == .sent)
                    },
                    { world in #expect(world.frames == [.text("")]) },
                ]
            )
        }
    }

    // MARK: Frames

    @Test func framesWithoutTheBitArePlain() async throws {
        try await self.run([
            { world in
                world.feed(0x1, Array("plain".utf8), marked: false)
                world.feed(0x1, Self.hello)
                world.feed(0x1, Array("pl".utf8), final: false, marked: false)
                world.feed(0x0, Array("ain".utf8), marked: false)
                #expect(world.handler.texts == ["plain", "Hello", "plain"])
            }
        ])
    }

    @Test func controlFramesComeBetweenFragments() async throws {
        try await self.run([
            { world in
                world.feed(0x1, Array(Self.hello[..<2]), final: false)
                world.feed(0x9, [7], marked: false)
                world.feed(0x0, [], final: false, marked: false)
                world.feed(0x0, Array(Self.hello[2...]), marked: false)
                #expect(world.handler.texts == ["Hello"])
            },
            { world in #expect(world.frames == [WebSocketServerFrame(0xA, [9 - 2])]) },
        ])
    }

    @Test(arguments: [0x8, 0x9, 0xA, 0x0] as [UInt8])
    func theBitIsForFirstFramesOfMessages(opcode: UInt8) async throws {
        try await self.run([
            { world in
                if opcode == 0 { world.feed(0x1, Self.hello, final: false) }
                world.feed(opcode, [])
                #expect(world.handler.closed == [.protocolError])
            },
            { world in #expect(world.frames == [.close(1002, "reserved bit set")]) },
        ])
    }

    @Test(arguments: [1, 2, 3, 5, 6, 7] as [UInt8])
    func otherBitsMeanNothing(reserved: UInt8) async throws {
        for offer in ["permessage-deflate", nil] {
            try await self.run(
                offer: offer,
                [
                    { world in
                        var frame = WebSocketClientFrame(0x1, Self.hello)
                        frame.reserved = reserved
                        world.socket.feed(frame.bytes)
                        #expect(world.handler.closed == [.protocolError])
                    }
                ]
            )
        }
    }

    @Test func withoutAnAgreementTheBitIsAnOffence() async throws {
        try await self.run(
            offer: nil,
            [
                { world in
                    world.feed(0x1, Self.hello)
                    #expect(world.handler.closed == [.protocolError])
                }
            ]
        )
    }

    @Test func everyCutOfAConversationGivesTheSame() async throws {
        let client = Client()
        let long = String(repeating: "하나 둘 셋 ", count: 30)
        var first = WebSocketClientFrame(0x1, client.deflate(Array(long.utf8)))
        first.reserved = 4
        var second = WebSocketClientFrame(0x1, Array(Self.hello[..<4]), isFinal: false)
        second.reserved = 4
        let bytes =
            first.bytes + second.bytes + WebSocketClientFrame(0x9, [1]).bytes
            + WebSocketClientFrame(0x0, Array(Self.hello[4...])).bytes + WebSocketClientFrame.text("plain")
        try await withEventLoopGroup(count: 1) { group in
            let loop = group.loops[0]
            try await loop.enter {
                let shard = Self.shard()
                for cut in 0...bytes.count {
                    let world = try World(loop, shard: shard)
                    world.socket.feed(Array(bytes[..<cut]))
                    world.socket.feed(Array(bytes[cut...]))
                    #expect(world.handler.texts == [long, "Hello", "plain"], "cut at \(cut)")
                    world.stream.abort()
                }
                let world = try World(loop, shard: shard)
                for byte in bytes { world.socket.feed([byte]) }
                #expect(world.handler.texts == [long, "Hello", "plain"])
                world.stream.abort()
            }
            try await loop.enter {}
        }
    }

    @Test func textIsCheckedWhenItIsInflated() async throws {
        for bytes in [[0xFF], [0xED, 0x95], [0xED, 0xA0, 0x80]] as [[UInt8]] {
            try await self.run([
                { world in
                    world.feed(0x2, Client().deflate(bytes))
                    #expect(world.handler.binaries == [bytes])
                    world.feed(0x1, Client().deflate(bytes))
                    #expect(world.handler.closed == [.invalidPayload])
                },
                { world in #expect(world.frames == [.close(1007, "text is not UTF-8")]) },
            ])
        }
    }

    @Test func aCutMessageDoesNotInflate() async throws {
        let whole = Client().deflate(CompressionSamples.text(300))
        try await self.run([{ world in world.feed(0x2, whole) }, { world in #expect(world.handler.closed.isEmpty) }])
        for cut in [1, whole.count / 2, whole.count - 1] {
            try await self.run([
                { world in
                    world.feed(0x2, Array(whole[..<cut]))
                    #expect(world.handler.closed == [.invalidPayload], "cut at \(cut)")
                    #expect(world.handler.binaries.isEmpty)
                }
            ])
        }
    }

    // MARK: Windows and contexts

    @Test(arguments: 8...15, [false, true])
    func everyWindowIsHonoured(windowBits: Int, keepsContext: Bool) async throws {
        let offer = "permessage-deflate; server_max_window_bits=\(windowBits); client_max_window_bits=\(windowBits)"
        let messages = (0..<8).map { CompressionSamples.text(4_000 + 1_000 * $0, seed: UInt64($0 % 2)) }
        try await self.run(
            keepsContext: keepsContext,
            offer: offer,
            [
                { world in
                    let client = Client(windowBits: windowBits, keepsContext: keepsContext)
                    for message in messages {
                        world.feed(0x2, client.deflate(message))
                        world.webSocket.send(binary: message)
                    }
                    #expect(world.handler.binaries == messages)
                },
                { world in
                    let client = Client(serverWindowBits: windowBits, keepsContext: keepsContext)
                    let frames = world.frames ?? []
                    let areCompressed = frames.allSatisfy(\.isCompressed)
                    #expect(areCompressed)
                    let read = frames.compactMap { client.read($0) }
                    #expect(read == messages)
                    // The first refers to nothing before it, with a context or without.
                    let model = frames.first.flatMap { NaiveInflate.inflate($0.payload + [0, 0, 0xFF, 0xFF]) }
                    #expect(model.map { $0.distanceMax <= 1 << windowBits } == true)
                },
            ]
        )
    }

    /// Messages that cannot shrink go out plain; the context that saw them is not the client's.
    @Test(arguments: [false, true])
    func whatCompressionCannotShrinkGoesOutPlain(keepsContext: Bool) async throws {
        let noise = CompressionSamples.noise(900)
        let text = CompressionSamples.text(900)
        let short = [UInt8](repeating: 0x61, count: 99)
        let messages = [text, noise, text, short, noise, text + noise, text, text]
        try await self.run(
            keepsContext: keepsContext,
            bytesMin: 100,
            [
                { world in for message in messages { world.webSocket.send(binary: message) } },
                { world in
                    let client = Client(keepsContext: keepsContext)
                    let frames = world.frames ?? []
                    #expect(frames.map(\.isCompressed) == [true, false, true, false, false, true, true, true])
                    let read = frames.compactMap { client.read($0) }
                    #expect(read == messages)
                },
            ]
        )
    }

    // MARK: Limits

    /// 256 KiB that stand for 256 MiB.
    private static func bomb() -> [UInt8] {
        let deflater = Deflater(.raw(windowBits: 15), level: 9)
        let block = [UInt8](repeating: 0, count: 1 << 20)
        var output: [UInt8] = []
        for _ in 0..<256 { block.withUnsafeBytes { deflater.compress($0, .sync, into: &output) } }
        return output.dropLast(4)
    }

    @Test(arguments: [1, 100])
    func aBombIsFoundOutBeforeItGoesOff(fragments: Int) async throws {
        let bomb = Self.bomb()
        #expect(bomb.count < 300_000)
        var limits = WebSocketLimits()
        limits.maxFrameBytes = 1 << 20
        limits.maxMessageBytes = 1 << 20
        try await self.run(
            limits: limits,
            [
                { world in
                    let size = (bomb.count + fragments - 1) / fragments
                    let before = HeapUsage.bytes
                    for index in 0..<fragments {
                        let part = Array(bomb[min(index * size, bomb.count)..<min((index + 1) * size, bomb.count)])
                        world.feed(index == 0 ? 0x1 : 0x0, part, final: index == fragments - 1, marked: index == 0)
                    }
                    #expect(HeapUsage.bytes - before < 16 << 20)
                    #expect(world.handler.closed == [.messageTooBig])
                    #expect(world.handler.texts.isEmpty)
                },
                { world in #expect(world.frames == [.close(1009, "message too big")]) },
            ]
        )
    }

    @Test(arguments: [(4_096, true), (4_097, false)])
    func theLimitIsForTheInflatedMessage(count: Int, fits: Bool) async throws {
        var limits = WebSocketLimits()
        limits.maxFrameBytes = 4_096
        limits.maxMessageBytes = 4_096
        for bytes in [CompressionSamples.text(count), CompressionSamples.noise(count)] {
            // Level 0 makes the compressed form larger than the message.
            for level in [0, 6] {
                try await self.run(
                    limits: limits,
                    [
                        { world in
                            world.feed(0x2, Client(level: level).deflate(bytes))
                            #expect(world.handler.binaries == (fits ? [bytes] : []))
                            #expect(world.handler.closed == (fits ? [] : [.messageTooBig]))
                        }
                    ]
                )
            }
        }
    }

    @Test func theCompressedFormHasALimitOfItsOwn() async throws {
        var limits = WebSocketLimits()
        limits.maxFrameBytes = 4_096
        limits.maxMessageBytes = 4_096
        // Empty stored blocks stand for nothing, however many they are.
        let empty = [UInt8](repeating: 0, count: 1).flatMap { _ in [0x00, 0x00, 0x00, 0xFF, 0xFF] as [UInt8] }
        let blocks = (0..<820).flatMap { _ in empty }
        try await self.run(
            limits: limits,
            [
                { world in
                    world.feed(0x2, blocks + [0x00], final: false)
                    #expect(world.handler.closed.isEmpty)
                    world.feed(0x0, blocks, marked: false)
                    #expect(world.handler.closed == [.messageTooBig])
                }
            ]
        )
        // A plain frame on such a connection has the plain limit.
        try await self.run(
            limits: limits,
            [
                { world in
                    world.feed(0x2, [UInt8](repeating: 1, count: 4_097), marked: false)
                    #expect(world.handler.closed == [.messageTooBig])
                }
            ]
        )
    }
}
