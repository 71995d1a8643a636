/// A strict, bounded JSON parser (RFC 8259) over bytes.
///
/// No recursion beyond `JSONLimits.depthMax`; nothing is allocated that the text has not paid for. No byte order
/// mark, no trailing comma, no comment, no text after the value.
package struct JSONReader: ~Escapable {
    private let bytes: Span<UInt8>
    private let limits: JSONLimits
    private var position = 0
    private var depth = 0
    private var values = 0

    @_lifetime(copy bytes)
    private init(bytes: Span<UInt8>, limits: JSONLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    /// Parses the whole of `bytes` as one value.
    package static func parse(
        _ bytes: Span<UInt8>,
        limits: JSONLimits = JSONLimits()
    ) throws(JSONError) -> JSONValue {
        var reader = JSONReader(bytes: bytes, limits: limits)
        let value = try reader.value()
        reader.skipSpace()
        guard reader.position == bytes.count else {
            throw .unexpectedByte(bytes[reader.position], offset: reader.position)
        }
        return value
    }

    /// Parses the whole of `bytes` as one value.
    package static func parse(_ bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONError) -> JSONValue {
        try self.parse(bytes.span, limits: limits)
    }

    private mutating func skipSpace() {
        while self.position < self.bytes.count {
            switch self.bytes[self.position] {
            case 0x20, 0x09, 0x0a, 0x0d: self.position += 1
            default: return
            }
        }
    }

    /// The next byte, which stays.
    private func peek() throws(JSONError) -> UInt8 {
        guard self.position < self.bytes.count else { throw .unexpectedEnd }
        return self.bytes[self.position]
    }

    private func unexpected() -> JSONError {
        guard self.position < self.bytes.count else { return .unexpectedEnd }
        return .unexpectedByte(self.bytes[self.position], offset: self.position)
    }

    private mutating func value() throws(JSONError) -> JSONValue {
        self.skipSpace()
        self.values += 1
        guard self.values <= self.limits.valuesMax else { throw .tooManyValues(max: self.limits.valuesMax) }
        switch try self.peek() {
        case UInt8(ascii: "{"): return try self.object()
        case UInt8(ascii: "["): return try self.array()
        case UInt8(ascii: "\""): return .string(try self.string())
        case UInt8(ascii: "t"): return try self.word("true", .bool(true))
        case UInt8(ascii: "f"): return try self.word("false", .bool(false))
        case UInt8(ascii: "n"): return try self.word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try self.number()
        default: throw self.unexpected()
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        for index in 0..<word.utf8CodeUnitCount {
            // SAFETY: the index is below the literal's own length, and literals live for ever.
            let expected = word.utf8Start[index]
            guard try self.peek() == expected else { throw self.unexpected() }
            self.position += 1
        }
        return value
    }

    private mutating func descend() throws(JSONError) {
        self.position += 1
        self.depth += 1
        guard self.depth <= self.limits.depthMax else { throw .tooDeep(max: self.limits.depthMax) }
        self.skipSpace()
    }

    private mutating func array() throws(JSONError) -> JSONValue {
        try self.descend()
        var elements: [JSONValue] = []
        if try self.peek() == UInt8(ascii: "]") {
            self.position += 1
            self.depth -= 1
            return .array(elements)
        }
        while true {
            elements.append(try self.value())
            self.skipSpace()
            switch try self.peek() {
            case UInt8(ascii: ","): self.position += 1
            case UInt8(ascii: "]"):
                self.position += 1
                self.depth -= 1
                return .array(elements)
            default: throw self.unexpected()
            }
        }
    }

    private mutating func object() throws(JSONError) -> JSONValue {
        try self.descend()
        var members: [String: JSONValue] = [:]
        if try self.peek() == UInt8(ascii: "}") {
            self.position += 1
            self.depth -= 1
            return .object(members)
        }
        while true {
            self.skipSpace()
            guard try self.peek() == UInt8(ascii: "\"") else { throw self.unexpected() }
            let nameOffset = self.position
            let name = try self.string()
            guard members[name] == nil else { throw .duplicateName(offset: nameOffset) }
            self.skipSpace()
            guard try self.peek() == UInt8(ascii: ":") else { throw self.unexpected() }
            self.position += 1
            members[name] = try self.value()
            self.skipSpace()
            switch try self.peek() {
            case UInt8(ascii: ","): self.position += 1
            case UInt8(ascii: "}"):
                self.position += 1
                self.depth -= 1
                return .object(members)
            default: throw self.unexpected()
            }
        }
    }
}

// MARK: Strings

extension JSONReader {
    private mutating func string() throws(JSONError) -> String {
        self.position += 1
        let start = self.position
        while true {
            let byte = try self.peek()
            switch byte {
            case UInt8(ascii: "\""):
                let text = try self.text(self.bytes.extracting(start..<self.position), offset: start)
                self.position += 1
                return text
            case UInt8(ascii: "\\"):
                return try self.escapedString(from: start)
            case 0..<0x20:
                throw self.unexpected()
            default:
                self.position += 1
            }
        }
    }

    private func text(_ bytes: Span<UInt8>, offset: Int) throws(JSONError) -> String {
        do {
            return String(copying: try UTF8Span(validating: bytes))
        } catch {
            throw .invalidUTF8(offset: offset)
        }
    }

    /// The rest of a string from its first escape on; `start` is where the string began.
    private mutating func escapedString(from start: Int) throws(JSONError) -> String {
        var buffer: [UInt8] = []
        for index in start..<self.position { buffer.append(self.bytes[index]) }
        while true {
            let byte = try self.peek()
            switch byte {
            case UInt8(ascii: "\""):
                let text = try self.text(buffer.span, offset: start)
                self.position += 1
                return text
            case UInt8(ascii: "\\"):
                self.position += 1
                try self.escape(into: &buffer)
            case 0..<0x20:
                throw self.unexpected()
            default:
                buffer.append(byte)
                self.position += 1
            }
        }
    }

    private mutating func escape(into buffer: inout [UInt8]) throws(JSONError) {
        let byte = try self.peek()
        self.position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): buffer.append(byte)
        case UInt8(ascii: "b"): buffer.append(0x08)
        case UInt8(ascii: "f"): buffer.append(0x0c)
        case UInt8(ascii: "n"): buffer.append(0x0a)
        case UInt8(ascii: "r"): buffer.append(0x0d)
        case UInt8(ascii: "t"): buffer.append(0x09)
        case UInt8(ascii: "u"): try self.unicodeEscape(into: &buffer)
        default: throw .invalidEscape(offset: self.position - 1)
        }
    }

    private mutating func unicodeEscape(into buffer: inout [UInt8]) throws(JSONError) {
        let offset = self.position - 2
        var value = try self.hexadecimal4()
        if 0xd800...0xdbff ~= value {
            guard try self.peek() == UInt8(ascii: "\\") else { throw .invalidEscape(offset: offset) }
            self.position += 1
            guard try self.peek() == UInt8(ascii: "u") else { throw .invalidEscape(offset: offset) }
            self.position += 1
            let low = try self.hexadecimal4()
            guard 0xdc00...0xdfff ~= low else { throw .invalidEscape(offset: offset) }
            value = 0x10000 + (value - 0xd800) << 10 + (low - 0xdc00)
        }
        guard let scalar = Unicode.Scalar(value) else { throw .invalidEscape(offset: offset) }
        buffer.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }

    private mutating func hexadecimal4() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            let byte = try self.peek()
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw .invalidEscape(offset: self.position)
            }
            value = value << 4 | UInt32(digit)
            self.position += 1
        }
        return value
    }
}

// MARK: Numbers

extension JSONReader {
    private mutating func digits() throws(JSONError) {
        guard 0x30...0x39 ~= (try self.peek()) else { throw self.unexpected() }
        while self.position < self.bytes.count, 0x30...0x39 ~= self.bytes[self.position] { self.position += 1 }
    }

    private mutating func number() throws(JSONError) -> JSONValue {
        let start = self.position
        var isInteger = true
        if try self.peek() == UInt8(ascii: "-") { self.position += 1 }
        if try self.peek() == UInt8(ascii: "0") { self.position += 1 } else { try self.digits() }
        if self.position < self.bytes.count, self.bytes[self.position] == UInt8(ascii: ".") {
            isInteger = false
            self.position += 1
            try self.digits()
        }
        if self.position < self.bytes.count, self.bytes[self.position] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            self.position += 1
            let sign = try self.peek()
            if sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { self.position += 1 }
            try self.digits()
        }
        guard self.position - start <= self.limits.numberBytesMax else { throw .numberOutOfRange(offset: start) }
        if isInteger, let value = self.integer(start..<self.position) { return .integer(value) }
        let text = try self.text(self.bytes.extracting(start..<self.position), offset: start)
        guard let value = Double(text), value.isFinite else { throw .numberOutOfRange(offset: start) }
        // Beyond 2^53 no Double counts as an integer anyway.
        guard value == value.rounded(), abs(value) < 0x1p53, !self.isIntegral(start..<self.position) else {
            return .number(value)
        }
        // `1e-400` only rounds to an integer, and must not become somebody's id: it is the neighbour, which is none.
        let neighbour = text.utf8.first == UInt8(ascii: "-") ? value.nextDown : value.nextUp
        guard neighbour != neighbour.rounded() else { throw .numberOutOfRange(offset: start) }
        return .number(neighbour)
    }

    /// True when a well-formed number with fraction or exponent says an integer, such as `3.32e2`.
    private func isIntegral(_ range: Range<Int>) -> Bool {
        var isZero = true
        var isBehindPoint = false
        var digitsBehindPoint = 0
        var zerosAtEnd = 0
        for index in range {
            switch self.bytes[index] {
            case UInt8(ascii: "-"):
                continue
            case UInt8(ascii: "."):
                isBehindPoint = true
            case UInt8(ascii: "e"), UInt8(ascii: "E"):
                return isZero || digitsBehindPoint - zerosAtEnd <= self.exponent(index + 1..<range.upperBound)
            case let digit:
                if isBehindPoint { digitsBehindPoint += 1 }
                zerosAtEnd = digit == UInt8(ascii: "0") ? zerosAtEnd + 1 : 0
                if digit != UInt8(ascii: "0") { isZero = false }
            }
        }
        return isZero || digitsBehindPoint <= zerosAtEnd
    }

    /// What the digits behind `e` say; a million is as good as more.
    private func exponent(_ range: Range<Int>) -> Int {
        var value = 0
        for index in range where self.bytes[index] >= UInt8(ascii: "0") {
            value = min(10 * value + Int(self.bytes[index] - UInt8(ascii: "0")), 1_000_000)
        }
        return self.bytes[range.lowerBound] == UInt8(ascii: "-") ? -value : value
    }

    /// Nil when the digits do not fit.
    private func integer(_ range: Range<Int>) -> Int64? {
        var value: Int64 = 0
        let isNegative = self.bytes[range.lowerBound] == UInt8(ascii: "-")
        for index in (range.lowerBound + (isNegative ? 1 : 0))..<range.upperBound {
            let digit = Int64(self.bytes[index] - UInt8(ascii: "0"))
            let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
            let (next, carry) =
                isNegative
                ? shifted.subtractingReportingOverflow(digit)
                : shifted.addingReportingOverflow(digit)
            guard !overflow, !carry else { return nil }
            value = next
        }
        return value
    }
}
