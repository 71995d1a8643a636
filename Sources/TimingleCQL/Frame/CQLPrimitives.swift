package import TimingleNet

/// A `[value]`: bytes, null, or "leave it as it is" (native protocol v4 section 3).
///
/// A value.
package enum CQLBoundValue: Equatable, Sendable {
    case bytes([UInt8])
    case null
    /// Only in requests.
    case notSet
}

/// The notations of section 3, read.
extension ByteReader {
    /// A `[string]`: a 16-bit length and UTF-8.
    @_lifetime(self: copy self)
    package mutating func readCQLString() throws(WireError) -> String {
        let count = Int(try self.readUInt16())
        return try self.readString(count)
    }

    /// A `[long string]`: a 32-bit length and UTF-8.
    @_lifetime(self: copy self)
    package mutating func readCQLLongString() throws(WireError) -> String {
        let count = Int(try self.readInt32())
        return try self.readString(count)
    }

    /// `[bytes]`; any length below zero is null.
    @_lifetime(self: copy self)
    package mutating func readCQLBytes() throws(WireError) -> [UInt8]? {
        let count = Int(try self.readInt32())
        guard count >= 0 else { return nil }
        return try self.readArray(count)
    }

    /// `[short bytes]`, such as the id of a prepared statement.
    @_lifetime(self: copy self)
    package mutating func readCQLShortBytes() throws(WireError) -> [UInt8] {
        let count = Int(try self.readUInt16())
        return try self.readArray(count)
    }

    @_lifetime(self: copy self)
    package mutating func readCQLValue() throws(WireError) -> CQLBoundValue {
        let count = Int(try self.readInt32())
        switch count {
        case 0...: return .bytes(try self.readArray(count))
        case -1: return .null
        case -2: return .notSet
        default: throw .malformed("[value] length")
        }
    }

    @_lifetime(self: copy self)
    package mutating func readCQLConsistency() throws(WireError) -> CQLConsistency {
        guard let level = CQLConsistency(rawValue: try self.readUInt16()) else { throw .malformed("consistency") }
        return level
    }

    @_lifetime(self: copy self)
    package mutating func readCQLStringList() throws(WireError) -> [String] {
        let count = try self.readCQLCount(elementBytesMin: 2)
        var list: [String] = []
        list.reserveCapacity(count)
        for _ in 0..<count { list.append(try self.readCQLString()) }
        return list
    }

    /// A `[string map]`; of a repeated name the last one counts.
    @_lifetime(self: copy self)
    package mutating func readCQLStringMap() throws(WireError) -> [String: String] {
        let count = try self.readCQLCount(elementBytesMin: 4)
        var map: [String: String] = [:]
        map.reserveCapacity(count)
        for _ in 0..<count {
            let name = try self.readCQLString()
            map[name] = try self.readCQLString()
        }
        return map
    }

    /// A `[string multimap]`, as SUPPORTED carries.
    @_lifetime(self: copy self)
    package mutating func readCQLStringMultimap() throws(WireError) -> [String: [String]] {
        let count = try self.readCQLCount(elementBytesMin: 4)
        var map: [String: [String]] = [:]
        map.reserveCapacity(count)
        for _ in 0..<count {
            let name = try self.readCQLString()
            map[name] = try self.readCQLStringList()
        }
        return map
    }

    /// A `[bytes map]`, as custom payloads are; null is empty.
    @_lifetime(self: copy self)
    package mutating func readCQLBytesMap() throws(WireError) -> [String: [UInt8]] {
        let count = try self.readCQLCount(elementBytesMin: 6)
        var map: [String: [UInt8]] = [:]
        map.reserveCapacity(count)
        for _ in 0..<count {
            let name = try self.readCQLString()
            map[name] = try self.readCQLBytes() ?? []
        }
        return map
    }

    /// A 16-bit count, refused when the bytes that are left cannot hold so many: nothing is reserved on a peer's word.
    @_lifetime(self: copy self)
    mutating func readCQLCount(elementBytesMin: Int) throws(WireError) -> Int {
        let count = Int(try self.readUInt16())
        guard count * elementBytesMin <= self.remaining else { throw .truncated }
        return count
    }
}

/// The notations of section 3, written.
extension ByteWriter {
    package mutating func writeCQLString(_ text: String) throws(WireError) {
        try self.writeCQLShortLength(text.utf8.count)
        self.writeUTF8(text)
    }

    package mutating func writeCQLLongString(_ text: String) throws(WireError) {
        try self.writeCQLLength(text.utf8.count)
        self.writeUTF8(text)
    }

    package mutating func writeCQLBytes(_ bytes: [UInt8]?) throws(WireError) {
        guard let bytes else { return self.writeInt32(-1) }
        try self.writeCQLLength(bytes.count)
        self.writeBytes(bytes)
    }

    package mutating func writeCQLShortBytes(_ bytes: [UInt8]) throws(WireError) {
        try self.writeCQLShortLength(bytes.count)
        self.writeBytes(bytes)
    }

    package mutating func writeCQLValue(_ value: CQLBoundValue) throws(WireError) {
        switch value {
        case .bytes(let bytes): try self.writeCQLBytes(bytes)
        case .null: self.writeInt32(-1)
        case .notSet: self.writeInt32(-2)
        }
    }

    package mutating func writeCQLConsistency(_ level: CQLConsistency) { self.writeUInt16(level.rawValue) }

    package mutating func writeCQLStringList(_ list: [String]) throws(WireError) {
        try self.writeCQLShortLength(list.count)
        for text in list { try self.writeCQLString(text) }
    }

    /// Sorted by name, so that equal maps are equal bytes.
    package mutating func writeCQLStringMap(_ map: [String: String]) throws(WireError) {
        try self.writeCQLShortLength(map.count)
        for (name, value) in map.sorted(by: { $0.key < $1.key }) {
            try self.writeCQLString(name)
            try self.writeCQLString(value)
        }
    }

    /// Sorted by name, so that equal maps are equal bytes.
    package mutating func writeCQLBytesMap(_ map: [String: [UInt8]]) throws(WireError) {
        try self.writeCQLShortLength(map.count)
        for (name, value) in map.sorted(by: { $0.key < $1.key }) {
            try self.writeCQLString(name)
            try self.writeCQLBytes(value)
        }
    }

    private mutating func writeCQLLength(_ count: Int) throws(WireError) {
        guard let length = Int32(exactly: count) else { throw .limitExceeded("length of 32 bits") }
        self.writeInt32(length)
    }

    private mutating func writeCQLShortLength(_ count: Int) throws(WireError) {
        guard let length = UInt16(exactly: count) else { throw .limitExceeded("length of 16 bits") }
        self.writeUInt16(length)
    }
}
