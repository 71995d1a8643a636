import Testing
import TimingleTestSupport

@testable import TimingleNet

/// Random sequences of frames, right and wrong, against a slow model that sees all bytes at once.
struct WebSocketModelTests {
    private enum Event: Equatable {
        case text([UInt8])
        case binary([UInt8])
        case pong([UInt8])
        /// Nothing is read behind it.
        case closed(UInt16)
    }

    private static let maxBytes = 600

    /// One frame as it is sent.
    private struct Frame {
        var opcode: UInt8
        var payload: [UInt8]
        var isFinal = true
        var reserved: UInt8 = 0
        var isMasked = true
        var key: [UInt8] = [0, 0, 0, 0]

        var bytes: [UInt8] {
            var frame = WebSocketClientFrame(self.opcode, self.payload, isFinal: self.isFinal)
            frame.reserved = self.reserved
            frame.key = self.isMasked ? self.key : nil
            return frame.bytes
        }
    }

    /// RFC 6455 sections 5 to 8 and RFC 7692 section 7, frame by frame, without regard to speed.
    private struct Model {
        var compresses: Bool
        var begun: (opcode: UInt8, isCompressed: Bool)?
        var message: [UInt8] = []

        mutating func take(_ frame: Frame) -> [Event] {
            if frame.reserved & 3 != 0 || frame.reserved & 4 != 0 && !self.compresses { return [.closed(1002)] }
            guard [0, 1, 2, 8, 9, 10].contains(frame.opcode), frame.isMasked else { return [.closed(1002)] }
            if frame.reserved != 0, frame.opcode == 0 || frame.opcode > 2 { return [.closed(1002)] }
            return frame.opcode >= 8 ? self.control(frame) : self.data(frame)
        }

        private func control(_ frame: Frame) -> [Event] {
            guard frame.isFinal, frame.payload.count <= 125 else { return [.closed(1002)] }
            if frame.opcode == 9 { return [.pong(frame.payload)] }
            if frame.opcode == 10 { return [] }
            if frame.payload.isEmpty { return [.closed(1005)] }
            guard frame.payload.count > 1 else { return [.closed(1002)] }
            let code = UInt16(frame.payload[0]) << 8 | UInt16(frame.payload[1])
            guard (1000...1003).contains(code) || (1007...1014).contains(code) || (3000...4999).contains(code) else {
                return [.closed(1002)]
            }
            let isText = String(validating: frame.payload[2...], as: UTF8.self) != nil
            return [.closed(isText ? code : 1007)]
        }

        private mutating func data(_ frame: Frame) -> [Event] {
            let isCompressed = frame.opcode == 0 ? self.begun?.isCompressed ?? false : frame.reserved == 4
            let limit = maxBytes + (isCompressed ? maxBytes / 1_024 + 64 : 0)
            guard frame.payload.count <= limit else { return [.closed(1009)] }
            guard (frame.opcode == 0) == (self.begun != nil) else { return [.closed(1002)] }
            guard self.message.count + frame.payload.count <= limit else { return [.closed(1009)] }
            let begun = self.begun ?? (frame.opcode, frame.reserved == 4)
            self.message += frame.payload
            if !begun.isCompressed, begun.opcode == 1, !Self.canBecomeText(self.message, isWhole: frame.isFinal) {
                return [.closed(1007)]
            }
            self.begun = frame.isFinal ? nil : begun
            guard frame.isFinal else { return [] }
            var message = self.message
            self.message = []
            if begun.isCompressed, !message.isEmpty {
                guard let inflated = Self.inflate(message) else { return [.closed(1007)] }
                message = inflated
                guard message.count <= maxBytes else { return [.closed(1009)] }
            }
            guard begun.opcode == 1 else { return [.binary(message)] }
            return [Self.canBecomeText(message, isWhole: true) ? .text(message) : .closed(1007)]
        }

        /// Nil also where the message is cut, so that what follows it is not read as a block of its own.
        private static func inflate(_ message: [UInt8]) -> [UInt8]? {
            let whole = message + [0, 0, 0xFF, 0xFF]
            let inflated = NaiveInflate.inflate(whole)?.bytes
            let storedX: [UInt8] = [0x00, 0x01, 0x00, 0xFE, 0xFF, 0x58]
            let continued = NaiveInflate.inflate(whole + storedX)?.bytes
            return continued == inflated.map { $0 + [0x58] } ? inflated : nil
        }

        /// A cut character at the end of what is not whole yet may still become one.
        private static func canBecomeText(_ bytes: [UInt8], isWhole: Bool) -> Bool {
            if String(validating: bytes, as: UTF8.self) != nil { return true }
            guard !isWhole else { return false }
            let endings: [[UInt8]] = [
                [0x80], [0xA0], [0x90], [0x80, 0x80], [0x90, 0x80], [0xA0, 0x80], [0x80, 0x80, 0x80],
                [0x90, 0x80, 0x80],
            ]
            return endings.contains { String(validating: bytes + $0, as: UTF8.self) != nil }
        }
    }

    private static func randomFrames(_ random: inout SeededGenerator, compresses: Bool) -> [Frame] {
        var frames: [Frame] = []
        for _ in 0..<Int.random(in: 1...6, using: &random) { Self.appendMessage(to: &frames, &random, compresses) }
        if Int.random(in: 0..<2, using: &random) == 0 {
            let place = Int.random(in: 0..<frames.count, using: &random)
            Self.damage(&frames[place], &random)
        }
        for index in frames.indices { frames[index].key = (0..<4).map { _ in .random(in: 0...255, using: &random) } }
        return frames
    }

    /// A message in fragments, with control frames between them.
    private static func appendMessage(to frames: inout [Frame], _ random: inout SeededGenerator, _ compresses: Bool) {
        let isText = Bool.random(using: &random)
        let count = Int.random(in: 0...(Int.random(in: 0..<8, using: &random) == 0 ? 700 : 200), using: &random)
        let seed = UInt64.random(in: 0...9, using: &random)
        var payload = isText ? CompressionSamples.text(count, seed: seed) : CompressionSamples.noise(count, seed: seed)
        if isText, Bool.random(using: &random) { payload += Array("한국어 😀".utf8) }
        let isCompressed = compresses && Bool.random(using: &random)
        if isCompressed {
            let deflater = Deflater(.raw(windowBits: 9), level: .random(in: 0...9, using: &random))
            var output: [UInt8] = []
            payload.withUnsafeBytes { deflater.compress($0, .sync, into: &output) }
            payload = output.dropLast(4)
        }
        var isFirst = true
        repeat {
            let isLast = Int.random(in: 0..<3, using: &random) > 0
            let size = isLast ? payload.count : Int.random(in: 0...payload.count, using: &random)
            var frame = Frame(opcode: isFirst ? isText ? 1 : 2 : 0, payload: Array(payload[..<size]), isFinal: isLast)
            frame.reserved = isFirst && isCompressed ? 4 : 0
            frames.append(frame)
            payload.removeFirst(size)
            isFirst = false
            if Int.random(in: 0..<4, using: &random) == 0 {
                let payload = CompressionSamples.noise(Int.random(in: 0...125, using: &random))
                frames.append(Frame(opcode: Bool.random(using: &random) ? 9 : 10, payload: payload))
            }
            if isLast { return }
        } while true
    }

    private static func damage(_ frame: inout Frame, _ random: inout SeededGenerator) {
        switch Int.random(in: 0..<8, using: &random) {
        case 0: frame.opcode = .random(in: 0...15, using: &random)
        case 1: frame.reserved = .random(in: 0...7, using: &random)
        case 2: frame.isFinal.toggle()
        case 3: frame.isMasked = false
        case 4: frame.payload += CompressionSamples.noise(Int.random(in: 1...600, using: &random))
        case 5: if !frame.payload.isEmpty { frame.payload.removeLast() }
        case 6:
            guard !frame.payload.isEmpty else { return }
            frame.payload[Int.random(in: 0..<frame.payload.count, using: &random)] ^=
                1 << UInt8.random(in: 0...7, using: &random)
        default:
            let code = UInt16.random(in: 990...5_010, using: &random)
            frame = Frame(opcode: 8, payload: [UInt8(code >> 8), UInt8(code & 0xFF)] + Array("bye".utf8))
        }
    }

    /// Notes what the connection tells its handler, in order.
    private final class Recorder: WebSocketHandler {
        var events: [Event] = []
        func opened(_ socket: WebSocketConnection) {}
        func textReceived(_ text: Span<UInt8>, on socket: WebSocketConnection) {
            self.events.append(.text(text.withUnsafeBufferPointer { Array($0) }))
        }
        func binaryReceived(_ bytes: Span<UInt8>, on socket: WebSocketConnection) {
            self.events.append(.binary(bytes.withUnsafeBufferPointer { Array($0) }))
        }
        func closed(_ code: WebSocketCloseCode, on socket: WebSocketConnection) {
            self.events.append(.closed(code.rawValue))
        }
    }

    /// Feeds the bytes in random pieces; pongs are in a list of their own.
    private static func run(
        _ bytes: [UInt8],
        on loop: EventLoop,
        _ random: inout SeededGenerator,
        _ shard: PerMessageDeflateShard?
    ) throws -> (Recorder, MemorySocket, StreamConnection) {
        let (socket, recorder) = (MemorySocket(), Recorder())
        let stream = StreamConnection(
            io: try socket.io(),
            loop: loop,
            peerAddress: .unspecified,
            handler: InertStreamHandler.shared
        )
        var limits = WebSocketLimits()
        limits.maxFrameBytes = Self.maxBytes
        limits.maxMessageBytes = Self.maxBytes
        let offers = WebSocketExtensionOffer.all(["permessage-deflate"]) ?? []
        let webSocket = WebSocketConnection(
            stream: stream,
            handler: recorder,
            settings: WebSocketSettings(limits),
            codec: shard.flatMap { shard in shard.agree(to: offers).map { shard.makeCodec($0) } }
        )
        webSocket.open()
        try stream.open()
        var rest = bytes[...]
        while !rest.isEmpty {
            let size = Int.random(in: 1...(Bool.random(using: &random) ? 10 : 1_000), using: &random)
            socket.feed(Array(rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
        return (recorder, socket, stream)
    }

    @Test(arguments: 0..<8 as Range<UInt64>, [false, true])
    func aConnectionDoesAsTheModel(seed: UInt64, compresses: Bool) async throws {
        try await withEventLoopGroup(count: 1) { group in
            let loop = group.loops[0]
            let ends = try await loop.enter {
                var random = SeededGenerator(seed: seed)
                let shard = compresses ? PerMessageDeflateShard(PerMessageDeflate()) : nil
                var ends: [(StreamConnection, MemorySocket, [Event], [Frame])] = []
                for _ in 0..<40 {
                    let frames = Self.randomFrames(&random, compresses: compresses)
                    var model = Model(compresses: compresses)
                    var expected: [Event] = []
                    for frame in frames {
                        expected += model.take(frame)
                        if case .closed = expected.last { break }
                    }
                    let (recorder, socket, stream) = try Self.run(
                        frames.flatMap(\.bytes),
                        on: loop,
                        &random,
                        shard
                    )
                    let told = expected.filter { if case .pong = $0 { false } else { true } }
                    #expect(recorder.events == told, "\(frames)")
                    ends.append((stream, socket, expected, frames))
                }
                return LoopBound(ends, on: loop)
            }
            // Pongs and the Close leave at the end of the turn.
            try await loop.enter {
                for (stream, socket, expected, frames) in ends.value {
                    let answers = expected.compactMap { event -> WebSocketServerFrame? in
                        switch event {
                        case .pong(let payload): WebSocketServerFrame(0xA, payload)
                        case .closed: WebSocketServerFrame(0x8, [])
                        case .text, .binary: nil
                        }
                    }
                    let sent = WebSocketServerFrame.all(in: socket.written)?.map {
                        $0.opcode == 0x8 ? WebSocketServerFrame(0x8, []) : $0
                    }
                    #expect(sent == answers, "\(frames)")
                    stream.abort()
                }
            }
            try await loop.enter {}
        }
    }
}
