import Testing
import TimingleTestSupport

@testable import TimingleNet

struct UTF8ValidatorTests {
    private static func isValid(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBytes { UTF8Validator.isValid($0) } }

    /// The index of the byte at which the validator gives up when it sees one at a time; nil when it does not.
    private static func failure(_ bytes: [UInt8]) -> Int? {
        var validator = UTF8Validator()
        return bytes.indices.first { index in
            !bytes.withUnsafeBytes { validator.validate(UnsafeRawBufferPointer(rebasing: $0[index...index])) }
        }
    }

    @Test(arguments: 0..<64 as Range<UInt64>)
    func agreesWithTheStandardLibraryOnRandomBytes(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let interesting: [UInt8] = [
            0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
            0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
        ]
        for _ in 0..<2_000 {
            let bytes = (0..<Int.random(in: 0...12, using: &random)).map { _ in
                interesting.randomElement(using: &random) ?? 0
            }
            let expected = String(validating: bytes, as: UTF8.self) != nil
            #expect(Self.isValid(bytes) == expected, "\(bytes)")
        }
    }

    /// Long runs of characters of each length, whole and with one byte changed, inserted or taken out.
    @Test(arguments: 0..<64 as Range<UInt64>)
    func agreesWithTheStandardLibraryOnDamagedText(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let ranges: [ClosedRange<UInt32>] = [
            0x20...0x7E, 0x80...0x7FF, 0x800...0xD7FF, 0xE000...0xFFFF, 0x10000...0x10FFFF,
        ]
        for _ in 0..<500 {
            var text = ""
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let range = ranges.randomElement(using: &random) ?? 0x20...0x7E
                for _ in 0..<Int.random(in: 1...5, using: &random) {
                    guard let scalar = Unicode.Scalar(UInt32.random(in: range, using: &random)) else { continue }
                    text.unicodeScalars.append(scalar)
                }
            }
            var bytes = Array(text.utf8)
            #expect(Self.isValid(bytes))
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes[place] = UInt8.random(in: .min ... .max, using: &random)
            case 1: bytes.insert(UInt8.random(in: 0x80 ... .max, using: &random), at: place)
            default: bytes.remove(at: place)
            }
            let expected = String(validating: bytes, as: UTF8.self) != nil
            #expect(Self.isValid(bytes) == expected, "\(bytes)")
            let failure = Self.failure(bytes)
            #expect(!expected || failure == nil)
        }
    }

    /// Every pair of first bytes, with what may follow and what may not.
    @Test func agreesWithTheStandardLibraryOnEveryBeginning() {
        for first in 0x80...0xFF as ClosedRange<UInt8> {
            for second in 0x00...0xFF as ClosedRange<UInt8> {
                for rest in [[0x80, 0x80], [0x41, 0x41], [0x80, 0x41], [0xBF, 0xBF], [0xC2, 0x80]] as [[UInt8]] {
                    let bytes = [first, second] + rest
                    let expected = String(validating: bytes, as: UTF8.self) != nil
                    if Self.isValid(bytes) != expected { Issue.record("\(bytes)") }
                }
            }
        }
    }

    @Test(arguments: 0..<32 as Range<UInt64>)
    func everyCutOfValidTextIsValid(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let alphabet = Array("abcdefghijklmnop 한국어 ß € 😀 \u{10FFFF}\u{7FF}\u{800}\u{FFFF}\u{10000}".unicodeScalars)
        var text = ""
        for _ in 0..<40 { text.unicodeScalars.append(alphabet.randomElement(using: &random) ?? "a") }
        let bytes = Array(text.utf8)
        for cut in 0...bytes.count {
            var validator = UTF8Validator()
            let accepted = bytes.withUnsafeBytes { raw in
                validator.validate(UnsafeRawBufferPointer(rebasing: raw[..<cut]))
                    && validator.validate(UnsafeRawBufferPointer(rebasing: raw[cut...]))
            }
            #expect(accepted && validator.isComplete)
        }
    }

    /// Bytes, and where the first impossible one stands; as in Autobahn's cases 6.3 to 6.23.
    private static let impossible: [([UInt8], Int)] = [
        // 6.3, 6.4: a surrogate half or a value beyond 10FFFF after valid text fails at its second byte.
        ([0xCE, 0xBA, 0xE1, 0xBD, 0xB9, 0xED, 0xA0, 0x80, 0x65], 6),
        ([0xCE, 0xBA, 0xE1, 0xBD, 0xB9, 0xCF, 0x83, 0xF4, 0x90, 0x80, 0x80, 0x65], 8),
        // 6.8: five and six byte forms.
        ([0xF8, 0x88, 0x80, 0x80, 0x80], 0), ([0xFC, 0x84, 0x80, 0x80, 0x80, 0x80], 0),
        // 6.10: F7, FB, FD leads.
        ([0xF7, 0xBF, 0xBF, 0xBF], 0), ([0xFB, 0xBF], 0), ([0xFD, 0xBF], 0),
        // 6.11: one beyond the last code point.
        ([0xF4, 0x90, 0x80, 0x80], 1),
        // 6.12, 6.13: lonely continuation bytes.
        ([0x80], 0), ([0xBF], 0), ([0x80, 0xBF, 0x80], 0),
        // 6.14: leads followed by a space.
        ([0xC3, 0x20], 1), ([0xE1, 0x20], 1), ([0xF1, 0x20], 1), ([0xE1, 0x80, 0x20], 2),
        ([0xF1, 0x80, 0x80, 0x20], 3),
        // 6.15, 6.16: bytes that never occur.
        ([0xFE], 0), ([0xFF], 0), ([0xFE, 0xFE, 0xFF, 0xFF], 0),
        // 6.17 to 6.19: overlong forms.
        ([0xC0, 0xAF], 0), ([0xE0, 0x80, 0xAF], 1), ([0xF0, 0x80, 0x80, 0xAF], 1), ([0xC1, 0xBF], 0),
        ([0xE0, 0x9F, 0xBF], 1), ([0xF0, 0x8F, 0xBF, 0xBF], 1), ([0xC0, 0x80], 0), ([0xE0, 0x80, 0x80], 1),
        // 6.20: surrogates, single and paired.
        ([0xED, 0xA0, 0x80], 1), ([0xED, 0xBF, 0xBF], 1), ([0xED, 0xA0, 0x80, 0xED, 0xB0, 0x80], 1),
    ]

    @Test func failsAtTheFirstImpossibleByte() {
        for (bytes, place) in Self.impossible {
            #expect(Self.failure(bytes) == place, "\(bytes)")
            #expect(!Self.isValid(bytes))
        }
    }

    @Test(arguments: [
        "\u{0}", "\u{7F}", "\u{80}", "\u{7FF}", "\u{800}", "\u{D7FF}", "\u{E000}", "\u{FFFD}", "\u{FFFE}",
        "\u{FFFF}", "\u{10000}", "\u{10FFFF}", "κόσμε", "Hello-µ@ßöäüàá-UTF-8!!",
    ])
    func boundariesAndNonCharactersAreValid(text: String) {
        #expect(Self.isValid(Array(text.utf8)))
        #expect(Self.isValid(Array((text + "ASCII beyond eight bytes " + text).utf8)))
    }

    @Test func aCutCharacterIsPossibleButNotComplete() {
        let bytes: [UInt8] = [0xF0, 0x9F, 0x98, 0x80]
        for count in 1..<4 {
            #expect(Self.failure(Array(bytes[..<count])) == nil)
            #expect(!Self.isValid(Array(bytes[..<count])))
        }
    }

    @Test func nothingBehindTheBytesIsTouched() {
        let bytes = Array("plain text and 한국어 and 😀 at the end".utf8)
        for count in 0...bytes.count {
            let expected = String(validating: bytes[..<count], as: UTF8.self) != nil
            let valid = GuardedBytes.with(Array(bytes[..<count])) { UTF8Validator.isValid(UnsafeRawBufferPointer($0)) }
            #expect(valid == expected)
        }
    }
}
