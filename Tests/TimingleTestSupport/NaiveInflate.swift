/// DEFLATE by the letter of RFC 1951, a bit at a time: a second opinion for what zlib makes and takes.
///
/// A value. Nil from any step means that the bytes are no DEFLATE, or end early.
package struct NaiveInflate {
    package struct Result: Equatable {
        package var bytes: [UInt8]
        /// How far back the farthest reference goes.
        package var distanceMax: Int
    }

    private let input: [UInt8]
    private var position = 0
    private var output: [UInt8] = []
    private var distanceMax = 0

    /// Inflates blocks until the input's last bits.
    ///
    /// A block that ends within the last byte ends the input; BFINAL ends nothing.
    package static func inflate(_ input: [UInt8]) -> Result? {
        var machine = NaiveInflate(input: input)
        while machine.position + 8 <= 8 * input.count {
            guard machine.block() != nil else { return nil }
        }
        return Result(bytes: machine.output, distanceMax: machine.distanceMax)
    }

    private init(input: [UInt8]) { self.input = input }

    private mutating func bits(_ count: Int) -> Int? {
        guard self.position + count <= 8 * self.input.count else { return nil }
        var value = 0
        for index in 0..<count {
            let place = self.position + index
            value |= Int(self.input[place / 8] >> (place % 8) & 1) << index
        }
        self.position += count
        return value
    }

    private mutating func block() -> Void? {
        guard self.bits(1) != nil, let kind = self.bits(2) else { return nil }
        switch kind {
        case 0: return self.stored()
        case 1: return self.symbols(Self.fixedLiterals, Self.fixedDistances)
        case 2: return self.dynamic()
        default: return nil
        }
    }

    private mutating func stored() -> Void? {
        self.position = (self.position + 7) / 8 * 8
        guard let count = self.bits(16), let complement = self.bits(16), count == ~complement & 0xFFFF else {
            return nil
        }
        for _ in 0..<count {
            guard let byte = self.bits(8) else { return nil }
            self.output.append(UInt8(byte))
        }
        return ()
    }

    private mutating func dynamic() -> Void? {
        guard let literals = self.bits(5), let distances = self.bits(5), let codes = self.bits(4) else { return nil }
        let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
        var lengths = [Int](repeating: 0, count: 19)
        for index in 0..<codes + 4 {
            guard let length = self.bits(3) else { return nil }
            lengths[order[index]] = length
        }
        let code = Code(lengths: lengths)
        var all: [Int] = []
        while all.count < literals + 257 + distances + 1 {
            guard let symbol = self.symbol(code) else { return nil }
            switch symbol {
            case 0...15:
                all.append(symbol)
            case 16:
                guard let last = all.last, let more = self.bits(2) else { return nil }
                all += [Int](repeating: last, count: 3 + more)
            case 17:
                guard let more = self.bits(3) else { return nil }
                all += [Int](repeating: 0, count: 3 + more)
            default:
                guard let more = self.bits(7) else { return nil }
                all += [Int](repeating: 0, count: 11 + more)
            }
        }
        guard all.count == literals + 257 + distances + 1 else { return nil }
        return self.symbols(
            Code(lengths: Array(all[..<(literals + 257)])),
            Code(lengths: Array(all[(literals + 257)...]))
        )
    }

    private mutating func symbols(_ literals: Code, _ distances: Code) -> Void? {
        while let symbol = self.symbol(literals) {
            if symbol == 256 { return () }
            if symbol < 256 {
                self.output.append(UInt8(symbol))
                continue
            }
            guard
                symbol - 257 < Self.lengths.count,
                let extra = self.bits(Self.lengths[symbol - 257].extra),
                let distanceSymbol = self.symbol(distances),
                distanceSymbol < Self.distances.count,
                let distanceExtra = self.bits(Self.distances[distanceSymbol].extra)
            else { return nil }
            let distance = Self.distances[distanceSymbol].base + distanceExtra
            guard distance <= self.output.count else { return nil }
            self.distanceMax = max(self.distanceMax, distance)
            for _ in 0..<Self.lengths[symbol - 257].base + extra {
                self.output.append(self.output[self.output.count - distance])
            }
        }
        return nil
    }

    private mutating func symbol(_ code: Code) -> Int? {
        var (value, first, index) = (0, 0, 0)
        for length in 1...15 {
            guard let bit = self.bits(1) else { return nil }
            value |= bit
            let count = code.counts[length]
            if value - count < first { return code.symbols[index + value - first] }
            index += count
            first = (first + count) << 1
            value <<= 1
        }
        return nil
    }

    /// A canonical Huffman code (RFC 1951 section 3.2.2).
    private struct Code {
        var counts = [Int](repeating: 0, count: 16)
        /// Ordered by length, then by value.
        var symbols: [Int] = []

        init(lengths: [Int]) {
            for length in 1...15 {
                for (symbol, its) in lengths.enumerated() where its == length {
                    self.counts[length] += 1
                    self.symbols.append(symbol)
                }
            }
        }
    }

    private static let fixedLiterals = Code(
        lengths: (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 }
    )
    private static let fixedDistances = Code(lengths: [Int](repeating: 5, count: 30))

    /// RFC 1951 section 3.2.5.
    private static let lengths: [(base: Int, extra: Int)] = {
        let extras = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5]
        var base = 3
        var all = extras.map { extra in
            defer { base += 1 << extra }
            return (base: base, extra: extra)
        }
        all.append((base: 258, extra: 0))
        return all
    }()
    private static let distances: [(base: Int, extra: Int)] = {
        var base = 1
        return (0..<30).map { index in
            let extra = max(0, index / 2 - 1)
            defer { base += 1 << extra }
            return (base: base, extra: extra)
        }
    }()
}
