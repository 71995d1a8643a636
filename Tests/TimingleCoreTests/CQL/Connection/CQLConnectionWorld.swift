import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCQL

/// A connection over a socket that plays a script.
///
/// Loop-confined.
final class CQLConnectionWorld {
    let socket = ScriptedSocket()
    let connection: CQLConnection
    private(set) var opened: [Result<Void, CQLError>] = []
    private(set) var closed: [CQLError] = []
    private(set) var events: [CQLServerEvent] = []
    private(set) var answers: [Int: Result<CQLResponse, CQLError>] = [:]
    private(set) var answerOrder: [Int] = []
    /// Called for each answer, after it was noted.
    var onAnswer: ((CQLConnectionWorld, Int) -> Void)?
    private var readBytes = 0

    init(_ loop: EventLoop, _ settings: CQLConnectionSettings) {
        let address = SocketAddress.ipv4(address: 0x7F00_0001, port: 9042)
        self.connection = CQLConnection(loop: loop, address: address, settings: settings, log: .silent)
    }

    func open() {
        self.connection.onEvent = { [unowned self] in self.events.append($0) }
        self.connection.onClose = { [unowned self] in self.closed.append($0) }
        self.connection.open(on: self.socket) { [unowned self] in self.opened.append($0) }
    }

    func shakeHands() {
        self.receive(.supported, [0, 0])
        self.receive(.ready, [])
    }

    @discardableResult
    func send(_ number: Int, within timeout: Duration = .seconds(10), known: CQLResultMetadata? = nil) -> CQLTicket? {
        do {
            let text = "q\(number)"
            let request = try CQLRequest.query(QueryRequest(text, CQLQueryParameters(consistency: .one))).encode()
            return self.connection.send(request, deadline: .now + timeout) { [unowned self] result in
                #expect(self.answers[number] == nil, "answered twice")
                self.answers[number] = result
                self.answerOrder.append(number)
                self.onAnswer?(self, number)
            }
        } catch {
            Issue.record("\(error)")
            return nil
        }
    }

    /// Bytes arrive, as one read brings them.
    func receive(bytes: [UInt8]) {
        self.socket.reads.append(.bytes(bytes))
        self.socket.ready(.readable)
    }

    func receive(_ opcode: CQLOpcode, _ body: [UInt8], stream: Int16 = 0, flags: CQLHeader.Flags = []) {
        self.receive(bytes: CQLFixture.frame(opcode, body, stream: stream, flags: flags))
    }

    func end() {
        self.socket.reads.append(.endOfStream)
        self.socket.ready(.readable)
    }

    /// The requests that left since the last look.
    func sent() -> [(header: CQLHeader, body: [UInt8])] {
        var requests: [(CQLHeader, [UInt8])] = []
        var decoder = CQLFrameDecoder(direction: .request, bodyBytesMax: 1 << 20)
        let bytes = Array(self.socket.written[self.readBytes...])
        self.readBytes = self.socket.written.count
        do {
            try decoder.decode(bytes.span.bytes) { header, body in
                requests.append((header, body.withUnsafeBytes { Array($0) }))
                return true
            }
        } catch {
            Issue.record("\(error)")
        }
        #expect(decoder.pendingBytes == 0)
        return requests
    }

    func code(_ number: Int) -> CQLError.Code? {
        if case .failure(let error)? = self.answers[number] { error.code } else { nil }
    }

    func isVoid(_ number: Int) -> Bool {
        if case .success(let response)? = self.answers[number], case .void = response.content { true } else { false }
    }

    var openError: CQLError? {
        if case .failure(let error)? = self.opened.first { error } else { nil }
    }
}

/// Steps of a test, each in a turn of its own.
struct CQLConnectionDriver: Sendable {
    private let world: LoopBound<CQLConnectionWorld>

    static func run(
        _ change: (inout CQLConnectionSettings) -> Void = { _ in },
        opens: Bool = true,
        _ body: (CQLConnectionDriver) async throws -> Void
    ) async throws {
        var settings = CQLConnectionSettings()
        change(&settings)
        let final = settings
        try await withEventLoopGroup(count: 1) { group in
            let loop = group.loops[0]
            let world = try await loop.enter {
                let world = CQLConnectionWorld(loop, final)
                world.open()
                return LoopBound(world, on: loop)
            }
            let driver = CQLConnectionDriver(world: world)
            if opens {
                try await driver.step { $0.shakeHands() }
                try await driver.step { world in
                    #expect(world.connection.isReady)
                    #expect(world.sent().map(\.header.opcode) == [.options, .startup])
                }
            }
            try await body(driver)
            try await driver.step { $0.connection.close() }
            try await driver.step { world in #expect(world.socket.isClosed) }
        }
    }

    @discardableResult
    func step<Result: Sendable>(_ body: @escaping @Sendable (CQLConnectionWorld) throws -> Result) async throws
        -> Result
    {
        try await self.world.loop.enter { [world] in try body(world.value) }
    }

    /// Turns until `claim` is true, for half a minute at most.
    func until(_ claim: @escaping @Sendable (CQLConnectionWorld) -> Bool) async throws -> Bool {
        let end = MonotonicInstant.now + .seconds(30)
        while MonotonicInstant.now < end {
            if try await self.step({ claim($0) }) { return true }
            try await Task.sleep(for: .milliseconds(1))
        }
        return false
    }
}
