#if canImport(TimingleNet)
@testable internal import TimingleNet
#endif

/// Text: accepted where the standard library accepts it, in one piece and in many, and refused as early as possible.
enum UTF8Fuzz {
    static func check(_ input: FuzzInput) throws {
        let isText = String(validating: input.bytes, as: UTF8.self) != nil
        let whole = input.bytes.withUnsafeBytes { UTF8Validator.isValid($0) }
        try FuzzFinding.unless(whole == isText, "the standard library says \(isText), we say \(whole)")
        var validator = UTF8Validator()
        var seen: [UInt8] = []
        for chunk in input.chunks {
            seen += chunk
            let mayGoOn = chunk.withUnsafeBytes { validator.validate($0) }
            try FuzzFinding.unless(mayGoOn == Self.canBecomeText(seen), "after \(seen)")
            guard mayGoOn else { break }
        }
        try FuzzFinding.unless((seen.count == input.bytes.count && validator.isComplete) == isText || !isText, "pieces")
    }

    /// True when some continuation makes it text: all endings of a character that is cut off are tried.
    private static func canBecomeText(_ bytes: [UInt8]) -> Bool {
        let endings: [[UInt8]] = [[], [0x80], [0x80, 0x80], [0x80, 0x80, 0x80], [0x90, 0x80, 0x80], [0xA0, 0x80]]
        return endings.contains { String(validating: bytes + $0, as: UTF8.self) != nil }
    }
}
