import Testing
import TimingleTestSupport

@testable import TimingleNet

/// Keeps what a WebSocket tells it.
///
/// Loop-confined.
final class RecordingWebSocketHandler: WebSocketHandler {
    var opened = 0
    var texts: [String] = []
    var binaries: [[UInt8]] = []
    var closed: [WebSocketCloseCode] = []
    var onText: ((WebSocketConnection) -> Void)?
    var onClosed: ((WebSocketConnection) -> Void)?

    func opened(_ socket: WebSocketConnection) { self.opened += 1 }

    func textReceived(_ text: Span<UInt8>, on socket: WebSocketConnection) {
        self.texts.append(text.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) })
        self.onText?(socket)
    }

    func binaryReceived(_ bytes: Span<UInt8>, on socket: WebSocketConnection) {
        self.binaries.append(bytes.withUnsafeBufferPointer { Array($0) })
    }

    func closed(_ code: WebSocketCloseCode, on socket: WebSocketConnection) {
        self.closed.append(code)
        self.onClosed?(socket)
    }
}

struct WebSocketConnectionTests {
    /// A WebSocket over a socket in memory.
    ///
    /// Loop-confined.
    final class World: StreamConnectionOwner {
        let socket: MemorySocket
        let handler = RecordingWebSocketHandler()
        let stream: StreamConnection
        let webSocket: WebSocketConnection
        var ended = 0

        init(_ loop: EventLoop, limits: WebSocketLimits, room: Int? = nil) throws {
            self.socket = MemorySocket(room: room)
            self.stream = StreamConnection(
                io: try self.socket.io(),
                loop: loop,
                peerAddress: .unspecified,
                handler: InertStreamHandler.shared
            )
            self.webSocket = WebSocketConnection(
                stream: self.stream,
                handler: self.handler,
                settings: WebSocketSettings(limits)
            )
            self.stream.owner = self
            self.webSocket.open()
            try self.stream.open()
        }

        func connectionEnded(_ connection: StreamConnection) { self.ended += 1 }

        var frames: [WebSocketServerFrame]? { WebSocketServerFrame.all(in: self.socket.written) }
    }

    /// Runs the steps one after another on a loop, each in its own turn.
    private func run(
        limits: WebSocketLimits = WebSocketLimits(),
        room: Int? = nil,
        _ steps: [@Sendable (World) -> Void]
    ) async throws {
        try await withEventLoopGroup(count: 1) { group in
            let loop = group.loops[0]
            let world = try await loop.enter { LoopBound(try World(loop, limits: limits, room: room), on: loop) }
            for step in steps {
                try await loop.enter { step(world.value) }
                // What a turn's end reports arrives in the next one.
                for _ in 0..<3 { try await loop.enter {} }
            }
            try await loop.enter { world.value.stream.abort() }
            try await loop.enter {}
        }
    }

    /// Waits for something that a timer brings.
    private func wait(
        limits: WebSocketLimits,
        room: Int? = nil,
        begin: @escaping @Sendable (World) -> Void = { _ in },
        until condition: @escaping @Sendable (World) -> Bool,
        then check: @escaping @Sendable (World) -> Void
    ) async throws {
        try await withEventLoopGroup(count: 1) { group in
            let loop = group.loops[0]
            let world = try await loop.enter { LoopBound(try World(loop, limits: limits, room: room), on: loop) }
            try await loop.enter { begin(world.value) }
            let deadline = MonotonicInstant.now + .seconds(20)
            while try await !loop.enter({ condition(world.value) }), MonotonicInstant.now < deadline {
                try await Task.sleep(for: .milliseconds(1))
            }
            try await loop.enter { check(world.value) }
            try await loop.enter { world.value.stream.abort() }
            try await loop.enter {}
        }
    }

    @Test func messagesArriveWholeAndInOrder() async throws {
        try await self.run([
            { world in
                #expect(world.handler.opened == 1)
                var first = WebSocketClientFrame(0x1, Array("Hel".utf8), isFinal: false)
                first.key = [1, 2, 3, 4]
                world.socket.feed(
                    WebSocketClientFrame.text("안녕") + first.bytes + WebSocketClientFrame(0x9, [9]).bytes
                        + WebSocketClientFrame(0x0, Array("lo".utf8)).bytes + WebSocketClientFrame(0x2, [1, 2]).bytes
                )
                #expect(world.handler.texts == ["안녕", "Hello"])
                #expect(world.handler.binaries == [[1, 2]])
            },
            { world in #expect(world.frames == [WebSocketServerFrame(0xA, [9])]) },
        ])
    }

    @Test func everyCutOfAConversationGivesTheSame() async throws {
        let bytes =
            WebSocketClientFrame.text("하나") + WebSocketClientFrame(0x9, [1, 2, 3]).bytes
            + WebSocketClientFrame(0x1, [UInt8](repeating: 0x61, count: 200)).bytes
            + WebSocketClientFrame(0x1, [0xED, 0x95], isFinal: false).bytes + WebSocketClientFrame(0x0, [0x9C]).bytes
        try await withEventLoopGroup(count: 1) { group in
            let loop = group.loops[0]
            try await loop.enter {
                for cut in 0...bytes.count {
                    let world = try World(loop, limits: WebSocketLimits())
                    world.socket.feed(Array(bytes[..<cut]))
                    world.socket.feed(Array(bytes[cut...]))
                    #expect(world.handler.texts == ["하나", String(repeating: "a", count: 200), "한"], "cut at \(cut)")
                    world.stream.abort()
                }
            }
            try await loop.enter {}
        }
    }

    /// What the handler of a conversation does, beside keeping what it is told.
    enum Habit: CaseIterable {
        case listens
        case answers
        case closesAtTwo
        case pausesAtTwo
    }

    /// Feeds the pieces to a new WebSocket and tells what both sides have seen.
    private static func hold(_ pieces: [ArraySlice<UInt8>], _ habit: Habit, on loop: EventLoop) throws -> [String] {
        let world = try World(loop, limits: WebSocketLimits())
        world.handler.onText = { [unowned handler = world.handler] socket in
            switch habit {
            case .listens: break
            case .answers: socket.send(text: handler.texts.last ?? "")
            case .closesAtTwo: if handler.texts.last == "2" { socket.close(.policyViolation) }
            case .pausesAtTwo: if handler.texts.last == "2" { socket.pauseReading() }
            }
        }
        for piece in pieces { world.socket.feed(Array(piece)) }
        let whilePaused = world.handler.texts.count
        world.webSocket.resumeReading()
        // What came while nobody read.
        world.socket.feed([])
        world.stream.turnEnded()
        var seen = world.handler.texts + world.handler.binaries.map { "\($0)" }
        seen += world.handler.closed.map { "\($0.rawValue)" } + (world.frames ?? []).map { "\($0)" }
        if habit == .pausesAtTwo { seen.append("\(whilePaused) before the pause") }
        world.stream.abort()
        return seen
    }

    @Test(arguments: Habit.allCases)
    func everyCutGivesWhatOneByteAtATimeGives(habit: Habit) async throws {
        let begin =
            WebSocketClientFrame.text("1") + WebSocketClientFrame(0x2, [1, 0xFF]).bytes + WebSocketClientFrame.text("2")
            + WebSocketClientFrame(0x9, [3]).bytes + WebSocketClientFrame.text("")
            + WebSocketClientFrame(0x1, Array("Hel".utf8), isFinal: false).bytes + WebSocketClientFrame(0x9, [4]).bytes
            + WebSocketClientFrame(0x0, Array("lo".utf8)).bytes
            + WebSocketClientFrame(0x1, [UInt8](repeating: 0x61, count: 130) + Array("한".utf8)).bytes
        let ends: [[UInt8]] = [
            WebSocketClientFrame.close(1000) + WebSocketClientFrame.text("late"),
            WebSocketClientFrame(0x1, [0x61, 0xFF, 0x61]).bytes + WebSocketClientFrame.text("late"),
            WebSocketClientFrame(0x1, [0xED]).bytes + WebSocketClientFrame.text("late"),
            WebSocketClientFrame(0x0, [0x61]).bytes + WebSocketClientFrame.text("late"),
            WebSocketClientFrame(0x1, [0x61], isFinal: false).bytes + WebSocketClientFrame.text("inside"),
        ]
        try await withEventLoopGroup(count: 1) { group in
            let loop = group.loops[0]
            try await loop.enter {
                for end in ends {
                    let bytes = begin + end
                    let expected = try Self.hold(bytes.indices.map { bytes[$0...$0] }, habit, on: loop)
                    for cut in bytes.indices {
                        let seen = try Self.hold([bytes[..<cut], bytes[cut...]], habit, on: loop)
                        #expect(seen == expected, "\(habit), cut at \(cut)")
                    }
                }
            }
            try await loop.enter {}
        }
    }

    @Test func aSentTextIsOneFrame() async throws {
        try await self.run([
            { world in
                #expect(world.webSocket.send(text: "a") == .sent)
                #expect(world.webSocket.send(textBytes: Array("b".utf8)) == .sent)
                #expect(world.webSocket.send(binary: [3]) == .sent)
                #expect(world.webSocket.send(BroadcastFrame(text: "c")) == .sent)
            },
            { world in
                #expect(world.frames == [.text("a"), .text("b"), WebSocketServerFrame(0x2, [3]), .text("c")])
                #expect(world.socket.writeCount == 1)
            },
        ])
    }

    @Test(arguments: [UInt16(1000), 1001, 3000, 4999])
    func aCloseIsAnsweredAtOnceWithItsCode(code: UInt16) async throws {
        try await self.run([
            { world in
                world.socket.feed(WebSocketClientFrame.close(code, reason: "bye") + WebSocketClientFrame.text("late"))
                #expect(world.handler.closed == [WebSocketCloseCode(rawValue: code)])
                #expect(world.webSocket.send(text: "x") == .closed)
            },
            { world in
                #expect(world.frames == [.close(code)])
                #expect(world.socket.isWriteShut)
                #expect(world.handler.texts.isEmpty)
                world.socket.feedEnd()
            },
            { world in
                #expect(world.socket.isClosed && !world.socket.wasReset)
                #expect(world.handler.closed.count == 1 && world.ended == 1)
            },
        ])
    }

    @Test func anEmptyCloseIsAnsweredByAnEmptyOne() async throws {
        try await self.run([
            { world in world.socket.feed(WebSocketClientFrame(0x8, []).bytes) },
            { world in
                #expect(world.frames == [WebSocketServerFrame(0x8, [])])
                #expect(world.handler.closed == [.noStatus])
            },
        ])
    }

    @Test func ourCloseWaitsForThePeersAndTakesNoMessagesMeanwhile() async throws {
        try await self.run([
            { world in
                world.webSocket.close(.serviceRestart, reason: "restart")
                world.webSocket.close(.normal)
                #expect(world.webSocket.send(text: "x") == .closed)
                #expect(world.handler.closed.isEmpty)
            },
            { world in
                #expect(world.frames == [.close(1012, "restart")])
                #expect(!world.socket.isWriteShut)
                world.socket.feed(WebSocketClientFrame.text("on its way") + WebSocketClientFrame(0x9, []).bytes)
                world.socket.feed(WebSocketClientFrame.close(1012))
                #expect(world.handler.closed == [.serviceRestart])
                #expect(world.handler.texts.isEmpty)
            },
            { world in
                #expect(world.frames == [.close(1012, "restart")])
                #expect(world.socket.isWriteShut)
            },
        ])
    }

    private static let offences: [([UInt8], UInt16)] = [
        ([0x81, 0x00], 1002), ([0xC1, 0x80], 1002), ([0x83, 0x80], 1002),
        (WebSocketClientFrame(0x0, []).bytes, 1002), (WebSocketClientFrame(0x9, [], isFinal: false).bytes, 1002),
        (WebSocketClientFrame(0x1, [0xFF]).bytes, 1007), (WebSocketClientFrame(0x8, [1]).bytes, 1002),
        (WebSocketClientFrame.close(1005), 1002), (WebSocketClientFrame.close(1016), 1002),
        (WebSocketClientFrame.close(5000), 1002), (WebSocketClientFrame.close(999), 1002),
        (WebSocketClientFrame(0x8, [0x03, 0xE8, 0xFF]).bytes, 1007),
        ([0x82, 0xFF, 0, 0, 0, 0, 0, 1, 0, 1], 1009),
        (
            WebSocketClientFrame(0x2, [UInt8](repeating: 0, count: 40_000), isFinal: false).bytes
                + WebSocketClientFrame(0x0, [UInt8](repeating: 0, count: 40_000)).bytes, 1009
        ),
    ]

    @Test(arguments: 0..<14)
    func anOffenceIsToldItsCodeAndEndsTheStream(index: Int) async throws {
        let (bytes, code) = Self.offences[index]
        try await self.run([
            { world in
                world.socket.feed(bytes + WebSocketClientFrame.text("behind"))
                #expect(world.handler.closed == [WebSocketCloseCode(rawValue: code)])
            },
            { world in
                #expect(world.frames?.map(\.opcode) == [0x8])
                #expect(world.frames?.first?.payload.prefix(2) == [UInt8(code >> 8), UInt8(code & 0xFF)])
                #expect(world.socket.isWriteShut)
                #expect(world.handler.texts.isEmpty)
            },
        ])
    }

    @Test func aHalfCloseIsAbnormal() async throws {
        try await self.run([
            { world in world.socket.feedEnd() },
            { world in
                #expect(world.handler.closed == [.abnormal])
                #expect(world.socket.isClosed && world.ended == 1)
            },
        ])
    }

    @Test func aSlowPeerIsClosedWith1013AndHearsOfItLater() async throws {
        var limits = WebSocketLimits()
        limits.outboxBytes = 1_000
        try await self.run(
            limits: limits,
            room: 0,
            [
                { world in _ = world.webSocket.send(textBytes: [UInt8](repeating: 0x61, count: 600)) },
                { world in
                    #expect(world.webSocket.send(textBytes: [UInt8](repeating: 0x62, count: 600)) == .tooSlow)
                    // Never inside the call.
                    #expect(world.handler.closed.isEmpty)
                    #expect(world.webSocket.send(text: "x") == .closed)
                },
                { world in
                    #expect(world.handler.closed == [.tryAgainLater])
                    world.socket.makeRoom(10_000)
                },
                { world in
                    #expect(world.frames?.map(\.opcode) == [0x1, 0x8])
                    #expect(world.frames?.last == .close(1013, "too slow"))
                    #expect(world.socket.isWriteShut)
                },
            ]
        )
    }

    @Test func aPausedHandlerGetsItsMessagesWhenItGoesOn() async throws {
        try await self.run([
            { world in
                world.handler.onText = { $0.pauseReading() }
                world.socket.feed(WebSocketClientFrame.text("1") + WebSocketClientFrame.text("2"))
                #expect(world.handler.texts == ["1"])
                world.socket.feed(WebSocketClientFrame.text("3"))
                world.handler.onText = nil
            },
            { world in
                #expect(world.handler.texts == ["1"])
                world.webSocket.resumeReading()
            },
            { world in #expect(world.handler.texts == ["1", "2", "3"]) },
        ])
    }

    @Test func aHandlerMayCloseInsideAMessage() async throws {
        try await self.run([
            { world in
                world.handler.onText = { $0.close(.policyViolation) }
                world.socket.feed(
                    WebSocketClientFrame.text("1") + WebSocketClientFrame.text("2") + WebSocketClientFrame.close(1008)
                )
                #expect(world.handler.texts == ["1"])
                #expect(world.handler.closed == [.policyViolation])
            },
            { world in #expect(world.frames == [.close(1008)]) },
        ])
    }

    // MARK: Time; the numbers are the state machine's tests, here the timer is real.

    @Test func pingsAreSentAndSilenceEndsIt() async throws {
        var limits = WebSocketLimits()
        limits.pingInterval = .milliseconds(10)
        limits.readTimeout = .milliseconds(30)
        try await self.wait(limits: limits, until: { !$0.handler.closed.isEmpty && $0.socket.isWriteShut }) { world in
            #expect(world.frames == [WebSocketServerFrame(0x9, []), .close(1001, "silent")])
            #expect(world.handler.closed == [.abnormal])
        }
    }

    @Test func aPeerThatNeverAnswersOurCloseIsGivenUp() async throws {
        var limits = WebSocketLimits()
        limits.closeTimeout = .milliseconds(10)
        try await self.wait(limits: limits, begin: { $0.webSocket.close(.flood) }, until: { $0.ended == 1 }) { world in
            #expect(world.handler.closed == [.flood])
            #expect(world.socket.isClosed)
        }
    }

    @Test func aPeerThatNeverReadsItsCloseIsGivenUp() async throws {
        var limits = WebSocketLimits()
        limits.closeTimeout = .milliseconds(10)
        try await self.wait(
            limits: limits,
            room: 0,
            begin: { $0.socket.feed(WebSocketClientFrame.close(1000)) },
            until: { $0.ended == 1 }
        ) { world in
            #expect(world.handler.closed == [.normal])
            #expect(world.socket.wasReset)
        }
    }

    @Test(arguments: [0, 1])
    func aPeerThatTakesNothingOrTooLittleIsGivenUpAtTheWriteDeadline(bytesAtATime: Int) async throws {
        var limits = WebSocketLimits()
        limits.writeTimeout = .milliseconds(50)
        limits.writeBytesPerSecondMin = 1_000_000
        try await self.wait(
            limits: limits,
            room: 10,
            begin: { $0.webSocket.send(binary: [UInt8](repeating: 7, count: 100_000)) },
            until: { world in
                if world.ended == 0, bytesAtATime > 0 { world.socket.makeRoom(bytesAtATime) }
                return world.ended == 1
            }
        ) { world in
            #expect(world.ended == 1 && world.socket.wasReset)
            #expect(world.handler.closed == [.abnormal])
        }
    }
}
