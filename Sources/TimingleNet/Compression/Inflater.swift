internal import CZlib

/// Why compressed bytes of a peer were refused.
package enum InflateError: Error, Equatable, Sendable, CaseIterable {
    /// They are no DEFLATE, or refer to what lies before the window.
    case corrupt
    /// They stand for more than the limit.
    case tooLarge
}

/// Takes DEFLATE without a wrapper apart (RFC 1951), in pieces of any size.
///
/// Loop-confined.
///
/// Owns about 7 KiB of zlib's state, and 2^`rawWindowBits` bytes more from the first output on.
package final class Inflater {
    /// zlib keeps a pointer to it: it must not move.
    private let stream: UnsafeMutablePointer<z_stream>

    /// Takes streams whose window has up to 2^`rawWindowBits` bytes, 8 to 15.
    package init(rawWindowBits: Int) {
        precondition(Deflater.windowBits.contains(rawWindowBits), "DEFLATE has windows of 2^8 to 2^15 bytes")
        self.stream = .allocate(capacity: 1)
        self.stream.initialize(to: z_stream())
        let size = Int32(MemoryLayout<z_stream>.size)
        let result = inflateInit2_(self.stream, -Int32(rawWindowBits), ZLIB_VERSION, size)
        precondition(result == Z_OK, "zlib cannot begin to inflate")
    }

    deinit {
        inflateEnd(self.stream)
        self.stream.deinitialize(count: 1)
        self.stream.deallocate()
    }

    /// What one inflater owns at most.
    package static func memoryBytes(windowBits: Int) -> Int { (1 << windowBits) + 7 * 1024 }

    /// Takes all of `input` and appends what it stands for to `output`, which may become `limit` bytes long.
    ///
    /// Stops at the first byte beyond the limit, however much would follow. A block that says that it is the last one
    /// (BFINAL) ends nothing: blocks behind it go on with the same history, as RFC 7692 section 7.2.3.4 needs it. After
    /// an error only `reset` may follow.
    package func inflate(
        _ input: UnsafeRawBufferPointer,
        into output: inout [UInt8],
        limit: Int
    ) throws(InflateError) {
        precondition(input.count <= Int(UInt32.max), "zlib takes 4 GiB at a time")
        // SAFETY: zlib only reads from `next_in`; it is taken back below, before `input` can end.
        self.stream.pointee.next_in = UnsafeMutablePointer(
            mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self)
        )
        self.stream.pointee.avail_in = UInt32(input.count)
        defer { self.stream.pointee.next_in = nil }
        var step = min(max(256, 4 * input.count), 64 * 1024)
        while true {
            // Room for one byte too many: its coming is what tells.
            let left = max(0, limit - output.count)
            let space = left < step ? left + 1 : step
            let result = self.append(space, to: &output)
            guard output.count <= limit else {
                output.removeLast(output.count - limit)
                throw .tooLarge
            }
            switch result {
            case Z_STREAM_END:
                // Keeps the window, which `inflateReset` would forget.
                let kept = inflateResetKeep(self.stream)
                precondition(kept == Z_OK, "zlib lost its state")
                if self.stream.pointee.avail_in == 0 { return }
            case Z_OK, Z_BUF_ERROR:
                if self.stream.pointee.avail_out > 0 { return }
            case Z_MEM_ERROR, Z_STREAM_ERROR:
                preconditionFailure("zlib cannot inflate")
            default:
                throw .corrupt
            }
            step = min(2 * step, 64 * 1024)
        }
    }

    /// True when the input so far ended with a block, on a byte boundary.
    package var isBetweenBlocks: Bool {
        // zlib.h: bit 7 tells that a block has just ended, the lowest six how many bits are left of the last byte.
        self.stream.pointee.data_type & (128 + 63) == 128
    }

    /// Forgets all history, and an error.
    package func reset() {
        let result = inflateReset(self.stream)
        precondition(result == Z_OK, "zlib lost its state")
    }

    /// Appends up to `space` bytes and tells zlib's verdict.
    private func append(_ space: Int, to output: inout [UInt8]) -> Int32 {
        var result = Z_OK
        output.append(addingCapacity: space) { span in
            span.withUnsafeMutableBufferPointer { buffer, initialized in
                self.stream.pointee.next_out = buffer.baseAddress
                self.stream.pointee.avail_out = UInt32(space)
                result = CZlib.inflate(self.stream, Z_NO_FLUSH)
                initialized = space - Int(self.stream.pointee.avail_out)
            }
        }
        self.stream.pointee.next_out = nil
        return result
    }
}
