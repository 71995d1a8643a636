#if canImport(TimingleNet)
@testable internal import TimingleNet
#endif

/// A proxy's header: asks for no more than it has, says the same at every length, and reads nothing behind itself.
enum ProxyHeaderFuzz {
    private typealias Result = Swift.Result<ProxyProtocolHeader.ParseResult, ProxyProtocolError>

    static func check(_ input: FuzzInput) throws {
        let contentBytesMax = 16 * Int(input.choice)
        let whole = Self.parse(input.bytes, contentBytesMax)
        var previous = 0
        for cut in [0] + input.cuts {
            switch Self.parse(Array(input.bytes[..<cut]), contentBytesMax) {
            case .success(.needMoreBytes(let total)):
                try FuzzFinding.unless(total > cut && total >= previous, "more bytes are wanted")
                try FuzzFinding.unless(total <= 16 + contentBytesMax, "but no more than a header may have")
                try FuzzFinding.unless(
                    cut < input.bytes.count || whole == .success(.needMoreBytes(total: total)),
                    "same"
                )
                previous = total
            case .success(.header(let header, let count)):
                try FuzzFinding.unless(count <= cut && count == previous || previous <= 16, "its own bytes only")
                try FuzzFinding.unless(whole == .success(.header(header, byteCount: count)), "the same with more bytes")
            case .failure:
                // For another reason perhaps: `P` might still become a header of version 1.
                guard case .failure = whole else { throw FuzzFinding(description: "refused, then \(whole)") }
            }
        }
        guard case .success(.header(let header, let count)) = whole else { return }
        let alone = Self.parse(Array(input.bytes[..<count]), contentBytesMax)
        try FuzzFinding.unless(alone == .success(.header(header, byteCount: count)), "the header alone is enough")
    }

    private static func parse(_ bytes: [UInt8], _ contentBytesMax: Int) -> Result {
        Swift.Result { () throws(ProxyProtocolError) in
            try ProxyProtocolHeader.parse(bytes.span, contentBytesMax: contentBytesMax)
        }
    }
}
