import Testing
import TimingleTestSupport

@testable import TimingleNet

struct DepartedStreamTests {
    /// A stream on a loop, whose handler takes as many bytes as it is told to.
    ///
    /// Loop-confined.
    private final class World {
        let socket: ScriptedSocket
        let handler = RecordingHandler()
        let connection: StreamConnection

        init(_ loop: EventLoop, reads: [ScriptedSocket.Read] = [], writes: [ScriptedSocket.Write] = []) {
            self.socket = ScriptedSocket(reads: reads, writes: writes)
            self.connection = StreamConnection(
                io: self.socket,
                loop: loop,
                peerAddress: .unspecified,
                handler: self.handler
            )
            #expect(throws: Never.self) { try self.connection.open() }
        }
    }

    private static func onLoop(_ body: @escaping @Sendable (EventLoop) -> Void) async throws {
        try await withEventLoopGroup(count: 1) { group in
            try await group.loops[0].enter { body(group.loops[0]) }
            // What was asked for at the turn's end has come by then.
            try await group.loops[0].enter {}
        }
    }

    @Test func whatWasNotConsumedArrivesInOrder() async throws {
        try await withEventLoopGroup(count: 2) { group in
            let (from, to) = (group.loops[0], group.loops[1])
            let departed = try await from.enter {
                let world = World(from, reads: [.bytes([1, 2, 3]), .bytes([4])])
                world.handler.take = { _ in 1 }
                world.socket.ready(.readable)
                world.handler.take = { _ in 0 }
                world.socket.ready(.readable)
                #expect(world.connection.pendingBytes == 3)
                let departed = world.connection.depart()
                #expect(world.connection.isClosed && !world.socket.isClosed && world.socket.interest == [])
                #expect(world.handler.received == [1] && world.handler.closed.isEmpty)
                return departed
            }
            let arriving = try #require(departed)
            try await to.enter {
                let handler = RecordingHandler()
                let connection = StreamConnection(
                    arriving: arriving,
                    loop: to,
                    limits: Shared(StreamLimits()),
                    handler: handler
                )
                #expect(throws: Never.self) { try connection.open() }
                connection.offerPending()
                let socket = arriving.io as? ScriptedSocket
                socket?.reads = [.bytes([5])]
                socket?.ready(.readable)
                #expect(handler.received == [2, 3, 4, 5])
                #expect(connection.send([6]) == .sent)
                connection.closeAfterFlush()
            }
            try await to.enter {}
            try await to.enter { #expect((arriving.io as? ScriptedSocket)?.written == [6]) }
        }
    }

    /// Whoever held the stream before may still call it; the socket is not its own any more.
    @Test func aStreamThatHasLeftTouchesNothing() async throws {
        try await Self.onLoop { loop in
            let world = World(loop)
            #expect(world.connection.depart() != nil)
            #expect(world.connection.send([1]) == .closed)
            #expect(world.connection.sendNow([1]) == .closed)
            world.connection.pauseReading()
            world.connection.resumeReading()
            world.connection.offerPending()
            world.connection.descriptorReady([.readable, .writable])
            world.connection.turnEnded()
            world.connection.closeAfterFlush()
            world.connection.abort()
            world.connection.turnEnded()
            #expect(world.connection.depart() == nil)
            #expect(world.socket.written.isEmpty && !world.socket.isClosed && world.socket.interest == [])
            #expect(world.handler.closed.isEmpty && world.handler.halfClosed == 0)
        }
    }

    @Test func aStreamWithBytesToWriteStaysUntilTheyAreWritten() async throws {
        try await Self.onLoop { loop in
            let queued = World(loop)
            queued.connection.send([1])
            #expect(queued.connection.depart() == nil)
            queued.connection.turnEnded()
            #expect(queued.socket.written == [1] && queued.connection.depart() != nil)

            let full = World(loop, writes: [.take(1)])
            #expect(full.connection.sendNow([1, 2]) == .queued)
            #expect(full.connection.depart() == nil)
            full.socket.ready(.writable)
            #expect(full.socket.written == [1, 2] && full.connection.depart() != nil)
        }
    }

    @Test func aStreamThatEndsStays() async throws {
        try await Self.onLoop { loop in
            let half = World(loop, reads: [.endOfStream])
            half.socket.ready(.readable)
            #expect(half.handler.halfClosed == 1 && half.connection.depart() == nil)
            half.connection.closeAfterFlush()
            #expect(half.socket.isClosed && half.connection.depart() == nil)

            let lingering = World(loop)
            lingering.connection.closeAfterFlush()
            #expect(lingering.socket.isWriteShut && lingering.connection.depart() == nil)
            lingering.connection.abort()
        }
    }

    @Test func aSocketMayRefuseToLeave() async throws {
        try await Self.onLoop { loop in
            let world = World(loop)
            world.socket.leaving = .success(false)
            #expect(world.connection.depart() == nil && world.connection.takesBytes)
            world.socket.leaving = .failure(SystemError(operation: "epoll_ctl", code: 2))
            #expect(world.connection.depart() == nil && world.connection.isClosed && world.socket.isClosed)
            world.connection.turnEnded()
            #expect(world.handler.closed == [.failed(SystemError(operation: "epoll_ctl", code: 2))])
        }
    }

    /// A session has its own reasons to stay: it is not there yet, it ends, or it has records to send.
    @Test(arguments: [TLSVersion.tls12, .tls13])
    func aSessionGoesOnElsewhereOnceItIsOpenAndQuiet(version: TLSVersion) async throws {
        let server = try TLSContext(
            server: TLSServerSettings(
                certificateFile: TestCertificate.shared.certificateFile,
                keyFile: TestCertificate.shared.keyFile,
                minimumVersion: version
            )
        )
        try await withTLSWorld(server: server) { driver in
            try await driver.run { world in #expect(world.server.depart() == nil && world.server.takesBytes) }
            try await driver.run { $0.client.send([1, 2, 3]) }
            #expect(try await driver.until { $0.serverHandler.received == [1, 2, 3] })
            // Its records wait.
            try await driver.run { world in
                world.serverPipe.room = 0
                #expect(world.server.sendNow([4]) == .queued && world.server.depart() == nil)
                world.serverPipe.room = .max
            }
            #expect(try await driver.until { $0.clientHandler.received == [4] })
            let handler = LoopBound(RecordingHandler(), on: driver.world.loop)
            let arrived = try await driver.run { world -> LoopBound<StreamConnection>? in
                guard let departed = world.server.depart() else { return nil }
                // Comes while no loop watches.
                world.client.send([5, 6])
                world.client.turnEnded()
                #expect(!world.serverPipe.turn() && !world.serverPipe.inbox.isEmpty)
                let connection = StreamConnection(
                    arriving: departed,
                    loop: world.loop,
                    limits: Shared(StreamLimits()),
                    handler: handler.value
                )
                #expect(throws: Never.self) { try connection.open() }
                return LoopBound(connection, on: world.loop)
            }
            let connection = try #require(arrived)
            try await driver.run { _ in connection.value.send([7, 8]) }
            #expect(
                try await driver.until { handler.value.received == [5, 6] && $0.clientHandler.received == [4, 7, 8] }
            )
            try await driver.run { world in
                world.client.closeAfterFlush()
                connection.value.closeAfterFlush()
            }
            #expect(try await driver.until { !$0.clientHandler.closed.isEmpty && !handler.value.closed.isEmpty })
            try await driver.run { world in
                #expect(world.serverHandler.closed.isEmpty && world.clientHandler.closed == [.finished])
                #expect(handler.value.closed == [.finished])
            }
        }
    }
}
