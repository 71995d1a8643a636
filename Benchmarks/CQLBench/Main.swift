internal import Glibc
internal import TimingleCQL
internal import TimingleNet

/// What the CQL client costs: prepared inserts of 250-byte rows and pages of 50 rows, so many in flight.
///
/// `CQLBench host:port [--count N] [--in-flight 64] [--loops 1] [--keyspace NAME] [--node-pid PID]` prints a line of JSON
/// for each kind: operations, seconds, CPU per operation in microseconds of this process, and of the node's and of the
/// whole machine where the node's process is named.
@main
enum CQLBench {
    static func main() async {
        do {
            let options = try CQLBenchOptions(Array(CommandLine.arguments.dropFirst()))
            try await withEventLoopGroup(count: options.loops) { group in
                try await CQLBenchRun(options: options, group: group).run()
            }
        } catch {
            print("error: \(error)")
            exit(1)
        }
    }
}

/// What is asked for.
///
/// A value.
struct CQLBenchOptions: Sendable {
    struct Usage: Error {
        let reason: String
    }

    var host = "127.0.0.1:9042"
    var count = 20_000
    var inFlight = 64
    var loops = 1
    var keyspace = "timingle_bench"
    /// Of a node on this machine; nil: its CPU is not measured.
    var nodePID: Int?

    init(_ arguments: [String]) throws {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            switch argument {
            case "--count": self.count = try Self.number(&rest, argument)
            case "--in-flight": self.inFlight = try Self.number(&rest, argument)
            case "--loops": self.loops = try Self.number(&rest, argument)
            case "--node-pid": self.nodePID = try Self.number(&rest, argument)
            case "--keyspace": self.keyspace = rest.popFirst() ?? self.keyspace
            default:
                guard !argument.hasPrefix("-") else { throw Usage(reason: "unknown option \(argument)") }
                self.host = argument
            }
        }
    }

    private static func number(_ rest: inout ArraySlice<String>, _ name: String) throws -> Int {
        guard let text = rest.popFirst(), let number = Int(text), number > 0 else {
            throw Usage(reason: "\(name) wants a number above zero")
        }
        return number
    }
}

/// One measurement of both kinds.
struct CQLBenchRun: Sendable {
    let options: CQLBenchOptions
    let group: EventLoopGroup
    /// 250 bytes with the other columns: three integers and a UUID.
    private let text = String(repeating: "x", count: 210)

    private static let rooms = 64

    func run() async throws {
        var configuration = CQLConfiguration(hosts: [self.options.host])
        configuration.keyspace = self.options.keyspace
        configuration.consistency = .one
        let client = CQLClient(configuration: configuration, group: self.group, log: .silent)
        do {
            try await self.prepare(client)
            try await self.measure(client)
        } catch {
            await client.close()
            throw error
        }
        await client.close()
    }

    private func prepare(_ client: CQLClient) async throws {
        let keyspace = self.options.keyspace
        for text in [
            """
            CREATE KEYSPACE IF NOT EXISTS \(keyspace)
            WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}
            """,
            """
            CREATE TABLE IF NOT EXISTS \(keyspace).messages
            (room bigint, seq bigint, id uuid, sender bigint, text text, PRIMARY KEY (room, seq))
            """,
        ] {
            var statement = CQLStatement(unsafe: text)
            statement.timeout = .seconds(30)
            try await client.execute(statement)
        }
        try await client.awaitSchemaAgreement()
        // Rooms of 200 rows for the pages, which also warms up all of us.
        try await self.inFlight(Self.rooms * 200) { try await self.insert(client, $0) }
        try await self.inFlight(500) { try await self.page(client, $0) }
    }

    private func measure(_ client: CQLClient) async throws {
        let count = self.options.count
        try await self.report("insert", count) {
            try await self.inFlight(count) { try await self.insert(client, $0) }
        }
        try await self.report("page", max(1, count / 4)) {
            try await self.inFlight(max(1, count / 4)) { try await self.page(client, $0) }
        }
    }

    private func insert(_ client: CQLClient, _ number: Int) async throws {
        let id = CQLUUID(high: UInt64(number) << 16 | 0x7000, low: 1 << 63)
        let room = number % Self.rooms
        let statement: CQLStatement = """
            INSERT INTO messages (room, seq, id, sender, text)
            VALUES (\(room), \(number / Self.rooms), \(id), \(number), \(self.text))
            """
        try await client.execute(statement.idempotent)
    }

    private func page(_ client: CQLClient, _ number: Int) async throws {
        var statement: CQLStatement = """
            SELECT room, seq, id, sender, text FROM messages WHERE room = \(number % Self.rooms)
            """
        statement.pageSize = 50
        let rows = try await client.execute(statement)
        var bytes = 0
        for row in rows {
            bytes += try row.decode("text", as: String.self).utf8.count
            bytes += Int(truncatingIfNeeded: try row.decode("seq", as: Int64.self))
            bytes += Int(truncatingIfNeeded: try row.decode("room", as: Int64.self))
            bytes += Int(truncatingIfNeeded: try row.decode("sender", as: Int64.self))
            bytes &+= Int(truncatingIfNeeded: try row.decode("id", as: CQLUUID.self).high)
        }
        guard rows.count == 50, bytes != 0 else { throw CQLError(.decoding, "a page of \(rows.count) rows") }
    }

    /// Runs `body` for each number below `count`, as many at once as there may be in flight, on the loops.
    private func inFlight(_ count: Int, _ body: @escaping @Sendable (Int) async throws -> Void) async throws {
        let lanes = self.options.inFlight
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for lane in 0..<lanes {
                let loop = self.group.loops[lane % self.group.loops.count]
                tasks.addTask(executorPreference: loop) {
                    var number = lane
                    while number < count {
                        try await body(number)
                        number += lanes
                    }
                }
            }
            try await tasks.waitForAll()
        }
    }

    private func report(_ kind: String, _ count: Int, _ body: () async throws -> Void) async throws {
        let node = self.options.nodePID
        let (cpu, nodeCPU, machineCPU) = (
            Self.cpuMicroseconds(), Self.cpuMicroseconds(of: node), Self.busyMicroseconds()
        )
        let begun = ContinuousClock.now
        try await body()
        let seconds = (ContinuousClock.now - begun) / .seconds(1)
        let each = Double(Self.cpuMicroseconds() - cpu) / Double(count)
        var line = #"{"kind": "\#(kind)", "count": \#(count), "seconds": \#(seconds), "cpu_us": \#(each)"#
        if let nodeCPU, let nodeAfter = Self.cpuMicroseconds(of: node) {
            line += #", "node_us": \#(Double(nodeAfter - nodeCPU) / Double(count))"#
            line += #", "machine_us": \#(Double(Self.busyMicroseconds() - machineCPU) / Double(count))"#
        }
        print(line + "}")
    }

    /// User and system time of another process; nil where there is none of that number.
    private static func cpuMicroseconds(of process: Int?) -> Int? {
        guard let process, let line = Self.firstLine(of: "/proc/\(process)/stat") else { return nil }
        // The second field may hold blanks and parentheses.
        guard let end = line.lastIndex(of: ")") else { return nil }
        let fields = line[line.index(after: end)...].split(separator: " ").compactMap { Int($0) }
        // utime and stime; the state, a letter, was left out.
        guard fields.count > 11 else { return nil }
        return (fields[10] + fields[11]) * Self.tickMicroseconds
    }

    /// What all processors did besides waiting.
    private static func busyMicroseconds() -> Int {
        let fields = (Self.firstLine(of: "/proc/stat") ?? "").split(separator: " ").compactMap { Int($0) }
        // user, nice, system, idle, iowait, irq, softirq, steal.
        guard fields.count > 6 else { return 0 }
        return (fields[0] + fields[1] + fields[2] + fields[5] + fields[6]) * Self.tickMicroseconds
    }

    private static var tickMicroseconds: Int { 1_000_000 / sysconf(Int32(_SC_CLK_TCK)) }

    private static func firstLine(of path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var buffer = [CChar](repeating: 0, count: 4_096)
        guard fgets(&buffer, CInt(buffer.count), file) != nil else { return nil }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// User and system time of the process.
    private static func cpuMicroseconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return time.tv_sec * 1_000_000 + time.tv_nsec / 1_000
    }
}
