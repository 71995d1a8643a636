internal import CZlib

/// Compresses by DEFLATE (RFC 1951), bare or as gzip (RFC 1952).
///
/// Loop-confined.
///
/// Owns `memoryBytes(…)` of zlib's state from its making to its end: an idle connection should own none.
package final class Deflater {
    package enum Format: Equatable, Sendable {
        /// No wrapper; no reference goes farther back than 2^`windowBits` bytes, 8 to 15.
        case raw(windowBits: Int)
        case gzip
    }

    package enum Flush: Sendable {
        /// All input so far can be inflated from the output so far, which ends with 00 00 FF FF on a byte boundary.
        case sync
        /// The stream is whole; only `reset` may follow.
        case finish
    }

    /// The levels that zlib knows; 0 only stores.
    package static let levels = 0...9
    package static let memoryLevels = 1...9
    package static let windowBits = 8...15

    /// zlib keeps a pointer to it: it must not move.
    private let stream: UnsafeMutablePointer<z_stream>

    /// Traps on a level, memory level or window that zlib does not know.
    package init(_ format: Format, level: Int = 6, memoryLevel: Int = 8) {
        precondition(Self.levels.contains(level), "zlib has levels 0 to 9")
        precondition(Self.memoryLevels.contains(memoryLevel), "zlib has memory levels 1 to 9")
        self.stream = .allocate(capacity: 1)
        self.stream.initialize(to: z_stream())
        let result = deflateInit2_(
            self.stream,
            Int32(level),
            Z_DEFLATED,
            Self.windowArgument(format),
            Int32(memoryLevel),
            Z_DEFAULT_STRATEGY,
            ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size)
        )
        precondition(result == Z_OK, "zlib cannot begin to deflate")
    }

    deinit {
        deflateEnd(self.stream)
        self.stream.deinitialize(count: 1)
        self.stream.deallocate()
    }

    /// What zlib allocates for one deflater, by its own formula (zconf.h).
    package static func memoryBytes(windowBits: Int, memoryLevel: Int) -> Int {
        (1 << (max(windowBits, 9) + 2)) + (1 << (memoryLevel + 9)) + 6 * 1024
    }

    /// Compresses all of `input` and appends what comes of it to `output`.
    package func compress(_ input: UnsafeRawBufferPointer, _ flush: Flush, into output: inout [UInt8]) {
        precondition(input.count <= Int(UInt32.max), "zlib takes 4 GiB at a time")
        // SAFETY: zlib only reads from `next_in`; it is taken back below, before `input` can end.
        self.stream.pointee.next_in = UnsafeMutablePointer(
            mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self)
        )
        self.stream.pointee.avail_in = UInt32(input.count)
        let mode: Int32
        switch flush {
        case .sync: mode = Z_SYNC_FLUSH
        case .finish: mode = Z_FINISH
        }
        // Text shrinks to about a third; what does not is taken in further steps.
        var step = max(64, input.count / 2)
        var isWhole = false
        while !isWhole {
            isWhole = self.append(step, to: &output, mode)
            step = min(2 * step, 64 * 1024)
        }
        self.stream.pointee.next_in = nil
    }

    /// Forgets all history; what follows can be inflated without what went before.
    package func reset() {
        let result = deflateReset(self.stream)
        precondition(result == Z_OK, "zlib lost its state")
    }

    /// Appends up to `space` bytes; true when zlib has no more for now.
    private func append(_ space: Int, to output: inout [UInt8], _ mode: Int32) -> Bool {
        var result = Z_OK
        output.append(addingCapacity: space) { span in
            span.withUnsafeMutableBufferPointer { buffer, initialized in
                self.stream.pointee.next_out = buffer.baseAddress
                self.stream.pointee.avail_out = UInt32(space)
                result = deflate(self.stream, mode)
                initialized = space - Int(self.stream.pointee.avail_out)
            }
        }
        self.stream.pointee.next_out = nil
        precondition(result != Z_STREAM_ERROR, "a finished deflater must be reset")
        return mode == Z_FINISH ? result == Z_STREAM_END : self.stream.pointee.avail_out > 0
    }

    /// zlib refuses a bare stream with a window of 2^8, because it would make it one of 2^9.
    ///
    /// Its matches never reach the last 262 bytes of its window (MIN_LOOKAHEAD in deflate.h), so one of 2^9 refers back
    /// by at most 250 bytes and fits a peer that keeps 256. `DeflaterTests` measures the distances.
    private static func windowArgument(_ format: Format) -> Int32 {
        switch format {
        case .raw(let windowBits):
            precondition(Self.windowBits.contains(windowBits), "DEFLATE has windows of 2^8 to 2^15 bytes")
            return -Int32(max(windowBits, 9))
        case .gzip:
            return 15 + 16
        }
    }
}
