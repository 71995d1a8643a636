/// Where Redis is and how patient we are with it.
///
/// Immutable.
package struct RedisConfiguration: Sendable, Equatable {
    package var host: String
    package var port: UInt16
    package var username: String?
    package var password: String?
    package var database: Int

    /// For each command, connecting included.
    package var commandTimeout: Duration = .seconds(2)
    package var connectTimeout: Duration = .seconds(2)
    /// How long a connection may be silent before a PING asks whether anybody is there.
    package var pingInterval: Duration = .seconds(10)
    package var backoffMin: Duration = .milliseconds(50)
    package var backoffMax: Duration = .seconds(5)
    /// Commands under way per loop, waiting ones included.
    package var commandsMax = 4_096
    /// Bytes of all those commands together.
    package var bytesUnderWayMax = 32 << 20
    /// Bytes of one command.
    package var commandBytesMax = 1 << 20

    package init(
        host: String,
        port: UInt16 = 6379,
        username: String? = nil,
        password: String? = nil,
        database: Int = 0
    ) {
        self.host = host
        self.port = port
        self.username = username
        self.password = password
        self.database = database
    }

    /// For logs: no password.
    package var place: String {
        (self.host.contains(":") ? "[\(self.host)]" : self.host) + ":\(self.port)/\(self.database)"
    }

    /// Reads `redis://[[user]:password@]host[:port][/database]`, percent-encoded where needed.
    package init(url: String) throws(RedisError) {
        guard !url.hasPrefix("rediss://") else {
            throw Self.refused("rediss:// (TLS) is not supported: use redis:// over a private network or a TLS tunnel")
        }
        guard url.hasPrefix("redis://"), url.utf8.count <= 2_048 else {
            throw Self.refused("it must look like redis://[:password@]host:port/database")
        }
        var rest = url.dropFirst("redis://".count)
        guard !rest.contains("?"), !rest.contains("#") else { throw Self.refused("it takes no query and no fragment") }
        var database = 0
        if let slash = rest.firstIndex(of: "/") {
            let text = rest[rest.index(after: slash)...]
            guard let number = text.isEmpty ? 0 : Self.number(text, max: 65_535) else {
                throw Self.refused("the database after the last / must be a number")
            }
            database = number
            rest = rest[..<slash]
        }
        var username: String?
        var password: String?
        if let at = rest.lastIndex(of: "@") {
            let credentials = rest[..<at]
            rest = rest[rest.index(after: at)...]
            guard let colon = credentials.firstIndex(of: ":") else {
                throw Self.refused("a credential must be :password@ or user:password@")
            }
            username = try Self.percentDecoded(credentials[..<colon])
            password = try Self.percentDecoded(credentials[credentials.index(after: colon)...])
        }
        let (host, port) = try Self.authority(rest)
        self.init(
            host: host,
            port: port,
            username: username.flatMap { $0.isEmpty ? nil : $0 },
            password: password.flatMap { $0.isEmpty ? nil : $0 },
            database: database
        )
    }

    private static func authority(_ text: Substring) throws(RedisError) -> (host: String, port: UInt16) {
        var host = text
        var port: UInt16 = 6379
        let closing = text.lastIndex(of: "]")
        if let colon = text.lastIndex(of: ":"), closing.map({ $0 < colon }) ?? true {
            let digits = text[text.index(after: colon)...]
            guard let number = self.number(digits, max: 65_535), number > 0 else {
                throw self.refused("the port must be a number from 1 to 65535")
            }
            port = UInt16(number)
            host = text[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        let decoded = try self.percentDecoded(host)
        guard !decoded.isEmpty, decoded.utf8.count <= 255, !decoded.utf8.contains(where: { $0 <= 32 }) else {
            throw self.refused("the host is missing")
        }
        return (decoded, port)
    }

    private static func number(_ text: Substring, max: Int) -> Int? {
        guard (1...5).contains(text.utf8.count) else { return nil }
        var value = 0
        for byte in text.utf8 {
            guard 48...57 ~= byte else { return nil }
            value = value * 10 + Int(byte - 48)
        }
        return value <= max ? value : nil
    }

    private static func percentDecoded(_ text: Substring) throws(RedisError) -> String {
        var output: [UInt8] = []
        var bytes = text.utf8.makeIterator()
        while let byte = bytes.next() {
            guard byte == UInt8(ascii: "%") else {
                output.append(byte)
                continue
            }
            guard
                let high = bytes.next().flatMap(self.hexadecimalValue),
                let low = bytes.next().flatMap(self.hexadecimalValue)
            else { throw self.refused("a % must be followed by two hexadecimal digits") }
            output.append(high << 4 | low)
        }
        guard let decoded = String(validating: output, as: UTF8.self) else {
            throw self.refused("what is percent-encoded must be UTF-8")
        }
        return decoded
    }

    private static func hexadecimalValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// Never repeats the URL: it may hold a password.
    private static func refused(_ rule: String) -> RedisError {
        RedisError(.configuration, "the Redis URL cannot be used: \(rule)")
    }
}
