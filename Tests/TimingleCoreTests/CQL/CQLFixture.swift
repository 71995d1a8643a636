import Foundation
import Testing
import TimingleCQL
import TimingleNet

/// Frames that a real server sent; `Fixtures/CQL/capture.py` says how each came about.
enum CQLFixture {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/CQL")

    static let names: [String] = {
        let files = try? FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
        return (files ?? []).filter { $0.hasSuffix(".bin") }.map { String($0.dropLast(4)) }.sorted()
    }()

    /// Those of our version: what a server says of another one's is in its own.
    static let framesOfVersion4 = Self.names.filter { $0 != "error-protocol-version" }

    static func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: Self.folder.appendingPathComponent("\(name).bin")))
    }

    static func header(_ bytes: [UInt8]) throws(WireError) -> CQLHeader {
        var reader = ByteReader(bytes.span.bytes)
        return try CQLHeader(from: &reader, direction: .response)
    }

    static func response(_ name: String, known: CQLResultMetadata? = nil) throws -> CQLResponse {
        try Self.decode(try Self.bytes(name), known: known)
    }

    /// Decodes one whole frame.
    static func decode(_ bytes: [UInt8], known: CQLResultMetadata? = nil) throws(WireError) -> CQLResponse {
        let header = try Self.header(bytes)
        guard header.bodyLength == bytes.count - CQLHeader.byteCount else { throw .truncated }
        return try CQLResponse.decode(
            header,
            body: bytes.span.bytes.extracting(CQLHeader.byteCount..<bytes.count),
            known: known
        )
    }

    /// A response frame around a body of a test's own.
    static func frame(
        _ opcode: CQLOpcode,
        _ body: [UInt8],
        stream: Int16 = 0,
        flags: CQLHeader.Flags = []
    ) -> [UInt8] {
        var writer = ByteWriter()
        let header = CQLHeader(flags: flags, stream: stream, opcode: opcode, bodyLength: body.count)
        do throws(WireError) { try header.write(to: &writer) } catch { Issue.record("\(error)") }
        return writer.bytes + body
    }

    static func rows(_ name: String, known: CQLResultMetadata? = nil) throws -> CQLResult {
        guard case .rows(let result) = try Self.response(name, known: known).content else {
            throw WireError.malformed("not rows")
        }
        return result
    }

    static func prepared(_ name: String) throws -> CQLPrepared {
        guard case .prepared(let prepared) = try Self.response(name).content else {
            throw WireError.malformed("not prepared")
        }
        return prepared
    }
}
