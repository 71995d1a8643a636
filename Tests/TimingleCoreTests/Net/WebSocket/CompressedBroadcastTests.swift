import Testing
import TimingleTestSupport

@testable import TimingleNet

/// Rooms in which some members agreed on compression and some did not.
struct CompressedBroadcastTests {
    /// A member over a socket in memory.
    ///
    /// Loop-confined.
    private final class Member {
        let socket = MemorySocket()
        let handler = RecordingWebSocketHandler()
        let stream: StreamConnection
        let webSocket: WebSocketConnection
        let inflater: Inflater
        let keepsContext: Bool
        var membership: RoomMembership?

        init(_ loop: EventLoop, _ shard: PerMessageDeflateShard, offer: String?) throws {
            self.stream = StreamConnection(
                io: try self.socket.io(),
                loop: loop,
                peerAddress: .unspecified,
                handler: InertStreamHandler.shared
            )
            let offers = offer.flatMap { WebSocketExtensionOffer.all([$0]) } ?? []
            let agreement = shard.agree(to: offers)
            self.inflater = Inflater(rawWindowBits: agreement?.serverWindowBits ?? 15)
            self.keepsContext = agreement?.serverKeepsContext ?? false
            self.webSocket = WebSocketConnection(
                stream: self.stream,
                handler: self.handler,
                settings: WebSocketSettings(),
                codec: agreement.map { shard.makeCodec($0) }
            )
            self.webSocket.open()
            try self.stream.open()
        }

        var frames: [WebSocketServerFrame] { WebSocketServerFrame.all(in: self.socket.written) ?? [] }

        /// What the client reads, with the window that was agreed on and no other.
        func texts() throws -> [String] {
            try self.frames.map { frame in
                guard frame.isCompressed else { return String(decoding: frame.payload, as: UTF8.self) }
                if !self.keepsContext { self.inflater.reset() }
                var output: [UInt8] = []
                let whole = frame.payload + [0x00, 0x00, 0xFF, 0xFF]
                try whole.withUnsafeBytes { try self.inflater.inflate($0, into: &output, limit: 1 << 24) }
                return String(decoding: output, as: UTF8.self)
            }
        }
    }

    private static let offers: [String?] = [
        nil, "permessage-deflate", "permessage-deflate; server_max_window_bits=9",
        "permessage-deflate; server_no_context_takeover",
    ]

    private static func text(_ count: Int, _ seed: UInt64 = 1) -> String {
        String(decoding: CompressionSamples.text(count, seed: seed), as: UTF8.self)
    }

    /// Members of room 1 with all kinds of agreements, on the first loop.
    private func withMembers(
        keepsContext: Bool = true,
        loops: Int = 1,
        _ body: (RoomFanout, EventLoopGroup, LoopBound<[Member]>) async throws -> Void
    ) async throws {
        try await withEventLoopGroup(count: loops) { group in
            let fanout = RoomFanout(group: group)
            let loop = group.loops[0]
            let members = try await loop.enter {
                var settings = PerMessageDeflate()
                settings.keepsContext = keepsContext
                let shard = PerMessageDeflateShard(settings)
                let members = try Self.offers.map { try Member(loop, shard, offer: $0) }
                for member in members { member.membership = fanout.join(room: 1, member.webSocket) }
                return LoopBound(members, on: loop)
            }
            try await body(fanout, group, members)
            try await loop.enter { for member in members.value { member.stream.abort() } }
            try await self.settle(group)
        }
    }

    private func settle(_ group: EventLoopGroup) async throws {
        for _ in 0..<3 { for loop in group.loops { try await loop.enter {} } }
    }

    @Test(arguments: [false, true])
    func eachMemberReadsEverythingWhateverItAgreedOn(keepsContext: Bool) async throws {
        let publications = [
            Self.text(400), "short", Self.text(600, 2), Self.text(400), Self.text(40_000, 3), "end",
        ]
        let own = Self.text(500, 4)
        try await self.withMembers(keepsContext: keepsContext) { fanout, group, members in
            var expected: [String] = []
            for (index, text) in publications.enumerated() {
                // From outside, from the loop, two in one turn, and one's own messages in between.
                if index % 2 == 0 {
                    fanout.publish(BroadcastFrame(text: text), to: 1)
                    expected.append(text)
                } else {
                    try await group.loops[0].enter {
                        fanout.publish(BroadcastFrame(text: text), to: 1)
                        fanout.publish(BroadcastFrame(text: own), to: 1)
                    }
                    expected += [text, own]
                }
                try await self.settle(group)
                try await group.loops[0].enter {
                    for member in members.value {
                        member.webSocket.send(text: own)
                        member.webSocket.send(BroadcastFrame(text: own))
                    }
                }
                expected += [own, own]
                try await self.settle(group)
            }
            try await group.loops[0].enter { [expected] in
                for member in members.value {
                    let texts = try member.texts()
                    #expect(texts == expected)
                }
                let compressed = members.value.map { $0.frames.filter(\.isCompressed).count }
                #expect(compressed[0] == 0)
                // Not "short" and "end".
                #expect(compressed[1] == expected.count - 2)
                #expect(compressed[3] == expected.count - 2)
                // A window of 512 bytes cannot read what was compressed for one of 32 KiB, unless it is short.
                #expect(compressed[2] > 0 && compressed[2] < compressed[1])
            }
        }
    }

    @Test func nothingIsCompressedWhereNobodyAskedForIt() async throws {
        try await self.withMembers { fanout, group, members in
            try await group.loops[0].enter {
                for member in members.value.dropFirst() {
                    if let membership = member.membership { fanout.leave(membership) }
                }
                fanout.publish(BroadcastFrame(text: Self.text(400)), to: 1)
            }
            try await self.settle(group)
            try await group.loops[0].enter {
                #expect(members.value.map { $0.frames.count } == [1, 0, 0, 0])
                #expect(members.value[0].frames.first?.isCompressed == false)
            }
        }
    }

    @Test func aPublicationFromAnotherLoopIsCompressedToo() async throws {
        let text = Self.text(400)
        try await self.withMembers(loops: 2) { fanout, group, members in
            try await group.loops[1].enter { fanout.publish(BroadcastFrame(text: text), to: 1) }
            try await self.settle(group)
            try await group.loops[0].enter {
                #expect(members.value.map { $0.frames.map(\.isCompressed) } == [[false], [true], [true], [true]])
                for member in members.value {
                    let texts = try member.texts()
                    #expect(texts == [text])
                }
            }
        }
    }

    @Test func framesThatLeaveTogetherKeepTheirOrderInBothForms() async throws {
        try await withEventLoopGroup(count: 1) { group in
            try await group.loops[0].enter {
                let codec = PerMessageDeflateCodec(alone: PerMessageDeflate())
                for pattern in [[true, true], [true, false], [false, true], [false, false], [false, true, false]] {
                    let texts = pattern.enumerated().map { $0.element ? Self.text(300, UInt64($0.offset)) : "x" }
                    var joined: BroadcastFrame?
                    for text in texts {
                        var frame = BroadcastFrame(text: text)
                        frame.compress(with: codec)
                        if joined?.append(frame) == nil { joined = frame }
                    }
                    let plain = WebSocketServerFrame.all(in: joined?.bytes ?? [])
                    #expect(plain == texts.map { .text($0) })
                    let compressed = joined?.compressed.flatMap { WebSocketServerFrame.all(in: $0.bytes) }
                    #expect(compressed?.map(\.isCompressed) == (pattern.contains(true) ? pattern : nil))
                }
            }
        }
    }
}
