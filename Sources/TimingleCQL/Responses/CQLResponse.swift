package import TimingleNet

/// An answer, or an event.
///
/// Immutable.
package struct CQLResponse: Sendable {
    /// The sum of all that a server says (native protocol v4 section 4.2).
    package enum Content: Sendable {
        case error(CQLServerError)
        case ready
        case authenticate(authenticator: String)
        case supported([String: [String]])
        case void
        case rows(CQLResult)
        case setKeyspace(String)
        case prepared(CQLPrepared)
        case schemaChange(CQLSchemaChange)
        case event(CQLServerEvent)
        case authChallenge(token: [UInt8]?)
        case authSuccess(token: [UInt8]?)
    }

    package let content: Content
    package let warnings: [String]
    /// Where the server keeps the trace that was asked for.
    package let tracingID: CQLUUID?
    package let customPayload: [String: [UInt8]]

    package init(
        _ content: Content,
        warnings: [String] = [],
        tracingID: CQLUUID? = nil,
        customPayload: [String: [UInt8]] = [:]
    ) {
        self.content = content
        self.warnings = warnings
        self.tracingID = tracingID
        self.customPayload = customPayload
    }

    /// Reads a body; `known` are the columns that a prepared statement's rows should have.
    ///
    /// What follows the parts that we know is of a younger server, and left alone (section 1).
    package static func decode(
        _ header: CQLHeader,
        body: RawSpan,
        known: CQLResultMetadata? = nil
    ) throws(WireError) -> CQLResponse {
        // Compression was never asked for.
        guard !header.flags.contains(.compression) else { throw .malformed("compressed frame") }
        var reader = ByteReader(body)
        var tracingID: CQLUUID?
        if header.flags.contains(.tracing) {
            tracingID = CQLUUID(high: try reader.readUInt64(), low: try reader.readUInt64())
        }
        let warnings = header.flags.contains(.warning) ? try reader.readCQLStringList() : []
        let payload = header.flags.contains(.customPayload) ? try reader.readCQLBytesMap() : [:]
        var content = try self.decodeContent(header.opcode, from: &reader, known: known)
        if !warnings.isEmpty, case .rows(var result) = content {
            result.warnings = warnings
            content = .rows(result)
        }
        return CQLResponse(content, warnings: warnings, tracingID: tracingID, customPayload: payload)
    }

    private static func decodeContent(
        _ opcode: CQLOpcode,
        from reader: inout ByteReader,
        known: CQLResultMetadata?
    ) throws(WireError) -> Content {
        switch opcode {
        case .error: .error(try CQLServerError(from: &reader))
        case .ready: .ready
        case .authenticate: .authenticate(authenticator: try reader.readCQLString())
        case .supported: .supported(try reader.readCQLStringMultimap())
        case .result: try self.decodeResult(from: &reader, known: known)
        case .event: .event(try CQLServerEvent(from: &reader))
        case .authChallenge: .authChallenge(token: try reader.readCQLBytes())
        case .authSuccess: .authSuccess(token: try reader.readCQLBytes())
        case .startup, .options, .query, .prepare, .execute, .register, .batch, .authResponse:
            throw .malformed("CQL opcode")
        }
    }

    private static func decodeResult(
        from reader: inout ByteReader,
        known: CQLResultMetadata?
    ) throws(WireError) -> Content {
        switch try reader.readInt32() {
        case 0x0001: .void
        case 0x0002: .rows(try CQLResult(from: &reader, known: known))
        case 0x0003: .setKeyspace(try reader.readCQLString())
        case 0x0004: .prepared(try CQLPrepared(from: &reader))
        case 0x0005: .schemaChange(try CQLSchemaChange(from: &reader))
        default: throw .malformed("kind of a result")
        }
    }
}
