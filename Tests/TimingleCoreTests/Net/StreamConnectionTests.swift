import Glibc
import Testing
import TimingleTestSupport

@testable import TimingleNet

/// Keeps what a connection tells it, and consumes as much as it is told to.
final class RecordingHandler: StreamHandler {
    var received: [UInt8] = []
    var offers: [Int] = []
    /// How many bytes to take of an offer; all of them when nil.
    var take: ((Int) -> Int)?
    var onBytes: ((StreamConnection) -> Void)?
    var halfClosed = 0
    var drained = 0
    var closed: [StreamCloseReason] = []
    var onClosed: (() -> Void)?

    func bytesReceived(_ bytes: UnsafeMutableRawBufferPointer, on connection: StreamConnection) -> Int {
        self.offers.append(bytes.count)
        let count = self.take?(bytes.count) ?? bytes.count
        self.received += bytes[..<count]
        self.onBytes?(connection)
        return count
    }

    func peerHalfClosed(on connection: StreamConnection) { self.halfClosed += 1 }
    func outboxDrained(on connection: StreamConnection) { self.drained += 1 }
    func connectionClosed(_ reason: StreamCloseReason, on connection: StreamConnection) {
        self.closed.append(reason)
        self.onClosed?()
    }
}

struct StreamConnectionTests {
    /// Runs `body` on a loop, then `check` a turn later, when the turn-end work is done.
    private func onLoop<Value>(
        _ body: @escaping @Sendable (EventLoop) -> Value,
        then check: @escaping @Sendable (Value) -> Void
    ) async throws {
        try await withEventLoopGroup(count: 1) { group in
            let loop = group.loops[0]
            let box = try await loop.enter { LoopBound(body(loop), on: loop) }
            // Two turns: what ends at a turn's end is reported at the next one's.
            try await loop.enter {}
            try await loop.enter {}
            try await loop.enter { check(box.value) }
        }
    }

    private struct World {
        let socket: ScriptedSocket
        let handler: RecordingHandler
        let connection: StreamConnection
    }

    private static func world(
        _ loop: EventLoop,
        reads: [ScriptedSocket.Read] = [],
        writes: [ScriptedSocket.Write] = [],
        limits: StreamLimits = StreamLimits()
    ) -> World {
        let socket = ScriptedSocket(reads: reads, writes: writes)
        let handler = RecordingHandler()
        let connection = StreamConnection(
            io: socket,
            loop: loop,
            peerAddress: .unspecified,
            limits: Shared(limits),
            handler: handler
        )
        #expect(throws: Never.self) { try connection.open() }
        return World(socket: socket, handler: handler, connection: connection)
    }

    @Test func copiedBytesLeaveAtOnceAndInOrder() async throws {
        try await self.onLoop { loop in
            let world = Self.world(loop)
            let verdict = [UInt8](arrayLiteral: 1, 2).withUnsafeBytes { world.connection.send(copying: $0) }
            #expect(verdict == .sent)
            #expect(world.socket.written == [1, 2])
            // Behind queued bytes they wait like those.
            #expect(world.connection.send([3]) == .sent)
            let queued = [UInt8](arrayLiteral: 4, 5).withUnsafeBytes { world.connection.send(copying: $0) }
            #expect(queued == .sent)
            #expect(world.socket.written == [1, 2])
            return world
        } then: { world in
            #expect(world.socket.written == [1, 2, 3, 4, 5])
            #expect(world.handler.drained == 1)
        }
    }

    @Test func whatTheKernelDoesNotTakeOfCopiedBytesIsQueued() async throws {
        try await self.onLoop { loop in
            let world = Self.world(loop, writes: [.take(2)])
            let verdict = [UInt8](1...6).withUnsafeBytes { world.connection.send(copying: $0) }
            // A part was taken, so the kernel is full.
            #expect(verdict == .queued)
            #expect(world.socket.written == [1, 2])
            #expect(world.connection.queuedBytes == 4)
            return world
        } then: { world in
            #expect(world.socket.interest.contains(.write))
            world.socket.ready(.writable)
            #expect(world.socket.written == [1, 2, 3, 4, 5, 6])
        }
    }

    @Test func sendsOfOneTurnLeaveInOneWrite() async throws {
        try await self.onLoop { loop in
            let world = Self.world(loop)
            #expect(world.connection.send([1, 2]) == .sent)
            #expect(world.connection.send([3]) == .sent)
            #expect(world.socket.written.isEmpty)
            return world
        } then: { world in
            #expect(world.socket.written == [1, 2, 3])
            #expect(world.socket.writeSizes == [3])
            #expect(world.handler.drained == 1)
            #expect(world.socket.interest == .read)
        }
    }

    @Test func writableIsAskedForOnlyWhileTheKernelIsFull() async throws {
        try await self.onLoop { loop in
            let world = Self.world(loop, writes: [.take(1), .wouldBlock])
            world.connection.send([1, 2, 3])
            return world
        } then: { world in
            #expect(world.socket.interest == [.read, .write])
            #expect(world.connection.queuedBytes == 2)
            #expect(world.connection.send([4]) == .queued)
            world.socket.ready(.writable)
            #expect(world.socket.written == [1, 2, 3, 4])
            #expect(world.socket.interest == .read)
        }
    }

    @Test func aPeerThatSendsALotHasOneReadATurn() async throws {
        try await self.onLoop { loop in
            let full = ScriptedSocket.Read.bytes([UInt8](repeating: 1, count: BufferPool.readBytes))
            let world = Self.world(loop, reads: [full, full, full])
            world.socket.ready(.readable)
            #expect(world.handler.received.count == BufferPool.readBytes)
            world.socket.ready(.readable)
            #expect(world.handler.received.count == 2 * BufferPool.readBytes)
            return world
        } then: { _ in
        }
    }

    @Test func aSlowPeerIsAVerdictOnQueuedBytes() async throws {
        var limits = StreamLimits()
        limits.outboxBytes = 10
        try await self.onLoop { [limits] loop in
            let world = Self.world(loop, writes: [.take(2), .wouldBlock], limits: limits)
            #expect(world.connection.send([UInt8](repeating: 1, count: 8)) == .sent)
            // The kernel is asked before anyone is called slow.
            #expect(world.connection.send([UInt8](repeating: 2, count: 4)) == .queued)
            #expect(world.connection.send([UInt8](repeating: 3, count: 1)) == .tooSlow)
            #expect(world.connection.queuedBytes == 10)
            world.connection.abort()
            #expect(world.connection.send([1]) == .closed)
            return world
        } then: { world in
            #expect(world.handler.closed == [.aborted])
            #expect(world.socket.wasReset)
        }
    }

    @Test func unconsumedBytesAreOfferedAgainWithMoreBehindThem() async throws {
        try await self.onLoop { loop in
            let world = Self.world(loop, reads: [.bytes([1, 2, 3]), .bytes([4]), .bytes([5, 6])])
            world.handler.take = { $0 < 4 ? 1 : $0 }
            for _ in 0..<3 { world.socket.ready(.readable) }
            #expect(world.handler.offers == [3, 3, 4])
            #expect(world.handler.received == [1, 2, 3, 4, 5, 6])
            #expect(world.connection.pendingBytes == 0)
            return world
        } then: { world in
            #expect(world.handler.closed.isEmpty)
        }
    }

    @Test func readingPausesWhileTooMuchIsLeft() async throws {
        var limits = StreamLimits()
        limits.pendingBytes = 4
        try await self.onLoop { [limits] loop in
            let world = Self.world(loop, reads: [.bytes([1, 2, 3]), .bytes([4, 5])], limits: limits)
            world.handler.take = { _ in 0 }
            world.socket.ready(.readable)
            #expect(world.socket.interest == .read)
            world.socket.ready(.readable)
            #expect(world.socket.interest == [])
            world.handler.take = nil
            world.connection.offerPending()
            #expect(world.socket.interest == .read)
            #expect(world.handler.received == [1, 2, 3, 4, 5])
            return world
        } then: { _ in
        }
    }

    @Test func aNewHandlerGetsTheRest() async throws {
        try await self.onLoop { loop in
            let world = Self.world(loop, reads: [.bytes([1, 2, 3, 4])])
            let second = RecordingHandler()
            world.handler.take = { _ in 2 }
            world.handler.onBytes = { $0.handler = second }
            world.socket.ready(.readable)
            #expect(world.handler.received == [1, 2])
            #expect(second.received == [3, 4])
            world.connection.abort()
            return (world, second)
        } then: { (world: World, second: RecordingHandler) in
            #expect(world.handler.closed.isEmpty)
            #expect(second.closed == [.aborted])
        }
    }

    @Test func closingFlushesThenLingersThenReports() async throws {
        try await self.onLoop { loop in
            let world = Self.world(loop, reads: [.bytes([9, 9]), .endOfStream])
            world.connection.send([1])
            world.connection.closeAfterFlush()
            #expect(world.connection.send([2]) == .closed)
            #expect(!world.socket.isWriteShut)
            return world
        } then: { world in
            #expect(world.socket.written == [1])
            #expect(world.socket.isWriteShut && !world.socket.isClosed)
            // What still comes is thrown away.
            world.socket.ready(.readable)
            #expect(world.handler.received.isEmpty && !world.socket.isClosed)
            world.socket.ready(.readable)
            #expect(world.socket.isClosed && !world.socket.wasReset)
        }
    }

    @Test func aPeerThatFinishedFirstIsNotWaitedFor() async throws {
        try await self.onLoop { loop in
            let world = Self.world(loop, reads: [.endOfStream])
            world.socket.ready([.readable, .readClosed])
            #expect(world.handler.halfClosed == 1)
            #expect(world.socket.interest == [])
            #expect(world.connection.send([1]) == .sent)
            world.connection.closeAfterFlush()
            return world
        } then: { world in
            #expect(world.socket.written == [1])
            #expect(world.handler.closed == [.finished])
        }
    }

    @Test func failuresOfReadAndWriteEndItOnce() async throws {
        try await self.onLoop { loop in
            let reading = Self.world(loop, reads: [.failure(ECONNRESET)])
            reading.socket.ready([.readable, .failed])
            #expect(reading.handler.closed.isEmpty, "the end is told at the end of the turn")
            let writing = Self.world(loop, writes: [.failure(EPIPE)])
            writing.connection.send([1])
            let paused = Self.world(loop)
            paused.connection.pauseReading()
            paused.socket.ready(.failed)
            return [reading, writing, paused]
        } then: { worlds in
            #expect(worlds[0].handler.closed == [.failed(SystemError(operation: "read", code: ECONNRESET))])
            #expect(worlds[1].handler.closed == [.failed(SystemError(operation: "sendmsg", code: EPIPE))])
            #expect(worlds[2].handler.closed == [.failed(.connectionReset)])
        }
    }

    @Test func aPeerThatTakesNothingIsGivenUpAtTheWriteDeadline() async throws {
        var limits = StreamLimits()
        limits.writeDeadline = .milliseconds(5)
        try await withEventLoopGroup(count: 1) { [limits] group in
            let loop = group.loops[0]
            let reason: StreamCloseReason = await withCheckedContinuation { continuation in
                loop.execute {
                    let world = Self.world(loop, writes: [.wouldBlock], limits: limits)
                    world.handler.onClosed = { continuation.resume(returning: world.handler.closed[0]) }
                    world.connection.send([1])
                }
            }
            #expect(reason == .writeDeadline)
        }
    }

    @Test func aRealPairCarriesMegabytesBothWays() async throws {
        try await withEventLoopGroup(count: 1) { group in
            let loop = group.loops[0]
            let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let seen: [UInt8] = try await withCheckedThrowingContinuation { continuation in
                loop.execute {
                    do {
                        let (left, right) = try Socket.pair()
                        let sender = RecordingHandler()
                        let receiver = RecordingHandler()
                        var limits = StreamLimits()
                        limits.outboxBytes = 4_000_000
                        let first = StreamConnection(
                            io: SocketStream(Socket(owning: left)),
                            loop: loop,
                            peerAddress: .unspecified,
                            limits: Shared(limits),
                            handler: sender
                        )
                        let second = StreamConnection(
                            io: SocketStream(Socket(owning: right)),
                            loop: loop,
                            peerAddress: .unspecified,
                            handler: receiver
                        )
                        try first.open()
                        try second.open()
                        for start in stride(from: 0, to: bytes.count, by: 10_000) {
                            #expect(first.send(Array(bytes[start..<(start + 10_000)])) != .tooSlow)
                        }
                        first.closeAfterFlush()
                        receiver.onClosed = { continuation.resume(returning: receiver.received) }
                        receiver.onBytes = { connection in
                            if receiver.received.count == bytes.count { connection.closeAfterFlush() }
                        }
                    } catch {
                        continuation.resume(throwing: error)
                    }
                }
            }
            #expect(seen == bytes)
        }
    }
}
