/// One word of a command: any bytes.
///
/// Immutable.
package struct RedisArgument: Sendable, Equatable, ExpressibleByStringInterpolation {
    package let bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }
    package init(_ text: String) { self.bytes = Array(text.utf8) }
    package init(_ value: some BinaryInteger) { self.init(String(value)) }
    package init(stringLiteral value: String) { self.init(value) }
}

/// Commands as Redis reads them: an array of bulk strings (RESP2).
enum RedisCommand {
    /// The bytes of one command.
    static func encode(_ arguments: [RedisArgument]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(arguments.reduce(16) { $0 + $1.bytes.count + 16 })
        output.append(UInt8(ascii: "*"))
        self.append(arguments.count, to: &output)
        for argument in arguments {
            output.append(UInt8(ascii: "$"))
            self.append(argument.bytes.count, to: &output)
            output.append(contentsOf: argument.bytes)
            output.append(contentsOf: [13, 10])
        }
        return output
    }

    private static func append(_ number: Int, to output: inout [UInt8]) {
        output.append(contentsOf: String(number).utf8)
        output.append(contentsOf: [13, 10])
    }

    /// True for commands whose answers do not come one by one, which a shared pipelined connection cannot carry.
    static func breaksPipelining(_ arguments: [RedisArgument]) -> Bool {
        guard let first = arguments.first, first.bytes.count <= 16 else { return arguments.isEmpty }
        let name = String(decoding: first.bytes, as: UTF8.self).uppercased()
        return self.banned.contains(name)
    }

    // SELECT and AUTH would change the connection under everybody's feet; MULTI likewise; BLPOP and kin hold it up.
    private static let banned: Set<String> = [
        "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE", "MONITOR", "SELECT",
        "AUTH", "HELLO", "RESET", "QUIT", "MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH", "BLPOP", "BRPOP", "BLMOVE",
        "BRPOPLPUSH", "BZPOPMIN", "BZPOPMAX", "BLMPOP", "BZMPOP", "WAIT", "WAITAOF", "SYNC", "PSYNC",
    ]
}
