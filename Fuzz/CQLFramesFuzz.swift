#if canImport(TimingleNet)
@testable internal import TimingleCQL
internal import TimingleNet
#endif

/// What a server sends: the same frames in one piece as in many, within the limit, and an error where it is no frame.
enum CQLFramesFuzz {
    private struct Reading: Equatable {
        var headers: [CQLHeader] = []
        var bodies: [[UInt8]] = []
        var error: WireError?
    }

    private static let bodyBytesMax = 1024

    static func check(_ input: FuzzInput) throws {
        let whole = Self.decode([input.bytes])
        let inPieces = Self.decode(input.chunks)
        try FuzzFinding.unless(whole == inPieces, "\(whole), in pieces \(inPieces)")
        try FuzzFinding.unless(whole.bodies.allSatisfy { $0.count <= Self.bodyBytesMax }, "a body is within its limit")
        for (header, body) in zip(whole.headers, whole.bodies) {
            try FuzzFinding.unless(header.bodyLength == body.count, "a body is as long as its header says")
            try Self.read(header, body)
        }
    }

    private static func decode(_ pieces: [[UInt8]]) -> Reading {
        var decoder = CQLFrameDecoder(bodyBytesMax: Self.bodyBytesMax)
        var reading = Reading()
        do throws(WireError) {
            for piece in pieces {
                try decoder.decode(piece.span.bytes) { header, body in
                    reading.headers.append(header)
                    reading.bodies.append(body.withUnsafeBytes { Array($0) })
                    return true
                }
            }
        } catch {
            reading.error = error
        }
        return reading
    }

    /// Whatever a body says, reading it ends in a response or an error, and no row is more than the bytes hold.
    private static func read(_ header: CQLHeader, _ body: [UInt8]) throws {
        let response: CQLResponse
        do throws(WireError) {
            response = try CQLResponse.decode(header, body: body.span.bytes)
        } catch {
            return
        }
        guard case .rows(let rows) = response.content else { return }
        try FuzzFinding.unless(
            rows.count * rows.metadata.columns.count * 4 <= body.count,
            "a cell is four bytes at least"
        )
        for row in rows {
            for index in row.columns.indices { try CQLValuesFuzz.check(row.cell(at: index)) }
        }
        // The same again, with columns that are known.
        let again = try CQLResponse.decode(header, body: body.span.bytes, known: rows.metadata)
        guard case .rows(let same) = again.content else { throw FuzzFinding(description: "rows are rows again") }
        try FuzzFinding.unless(same.metadata.columns == rows.metadata.columns, "known columns are the same columns")
        try FuzzFinding.unless(same.count == rows.count, "as many rows")
    }
}
