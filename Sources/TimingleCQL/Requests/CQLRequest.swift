internal import TimingleNet

/// What a client asks (native protocol v4 section 4.1), one opcode each.
///
/// Immutable.
package enum CQLRequest: Sendable {
    case startup(StartupRequest)
    case options
    case authResponse(AuthResponseRequest)
    case query(QueryRequest)
    case prepare(PrepareRequest)
    case execute(ExecuteRequest)
    case batch(BatchRequest)
    case register(RegisterRequest)

    package var opcode: CQLOpcode {
        switch self {
        case .startup: .startup
        case .options: .options
        case .authResponse: .authResponse
        case .query: .query
        case .prepare: .prepare
        case .execute: .execute
        case .batch: .batch
        case .register: .register
        }
    }

    /// Writes the whole frame, but for its stream.
    ///
    /// Tracing counts for queries, prepares and executions; a custom payload for these and batches.
    package func encode(
        isTraced: Bool = false,
        customPayload: [String: [UInt8]] = [:]
    ) throws(CQLCodingError) -> CQLEncodedRequest {
        var writer = ByteWriter(reserving: 512)
        var flags: CQLHeader.Flags = isTraced ? .tracing : []
        if !customPayload.isEmpty { flags.insert(.customPayload) }
        writer.writeUInt8(CQLHeader.version)
        writer.writeUInt8(flags.rawValue)
        writer.writeInt16(0)
        writer.writeUInt8(self.opcode.rawValue)
        let length = writer.markLength()
        do throws(WireError) {
            if !customPayload.isEmpty { try writer.writeCQLBytesMap(customPayload) }
        } catch {
            throw CQLCodingError(error)
        }
        let bodyStart = writer.count
        try self.writeBody(to: &writer)
        guard writer.count - CQLHeader.byteCount <= CQLHeader.bodyBytesMax else {
            throw CQLCodingError(.limitExceeded, "a request beyond 256 MiB")
        }
        do throws(WireError) { try writer.patchLength(length) } catch { throw CQLCodingError(error) }
        let bytes = writer.bytes
        return CQLEncodedRequest(
            bytes: bytes,
            opcode: self.opcode,
            known: self.known,
            routingKey: self.routingKey(bytes, bodyStart: bodyStart)
        )
    }

    private func writeBody(to writer: inout ByteWriter) throws(CQLCodingError) {
        switch self {
        case .startup(let request): try request.write(to: &writer)
        case .options: break
        case .authResponse(let request): try request.write(to: &writer)
        case .query(let request): try request.write(to: &writer)
        case .prepare(let request): try request.write(to: &writer)
        case .execute(let request): try request.write(to: &writer)
        case .batch(let request): try request.write(to: &writer)
        case .register(let request): try request.write(to: &writer)
        }
    }

    /// Of an execution, or of the first statement of a batch, which speaks for all.
    private func routingKey(_ bytes: [UInt8], bodyStart: Int) -> [UInt8]? {
        switch self {
        case .execute(let request):
            // Behind the id: consistency, flags, and how many values follow.
            let start = bodyStart + 2 + request.prepared.id.count + 2 + 1 + 2
            return CQLRoutingKey.read(bytes, from: start, of: request.prepared)
        case .batch(let request):
            guard case .prepared(let prepared, _)? = request.statements.first else { return nil }
            // The batch's kind and count, the statement's kind, its id, and how many values follow.
            let start = bodyStart + 1 + 2 + 1 + 2 + prepared.id.count + 2
            return CQLRoutingKey.read(bytes, from: start, of: prepared)
        case .startup, .options, .authResponse, .query, .prepare, .register:
            return nil
        }
    }

    /// The columns that the answer's rows will have, as far as anybody knows.
    private var known: CQLResultMetadata? {
        if case .execute(let request) = self { return request.prepared.result }
        return nil
    }
}

/// A frame that lacks its stream only, which is known when it is sent.
///
/// Immutable. The same may be sent again, on another stream of another connection.
package struct CQLEncodedRequest: Sendable {
    package let bytes: [UInt8]
    package let opcode: CQLOpcode
    package let known: CQLResultMetadata?
    /// What the partition's token is a hash of; nil where nobody can tell.
    package let routingKey: [UInt8]?

    /// Appends the frame with `stream` in its place.
    func append(to buffer: inout [UInt8], stream: Int16) {
        let start = buffer.count
        buffer.append(contentsOf: self.bytes)
        buffer[start + 2] = UInt8(truncatingIfNeeded: stream >> 8)
        buffer[start + 3] = UInt8(truncatingIfNeeded: stream)
    }
}

extension CQLCodingError {
    /// What could not be written because it is too long for its notation.
    init(_ error: WireError) {
        switch error {
        case .truncated: self.init(.malformed, "truncated")
        case .malformed(let what): self.init(.malformed, "malformed \(what)")
        case .limitExceeded(let what): self.init(.limitExceeded, "\(what) exceeded")
        }
    }
}
