internal import CLinux

/// What the process has allocated and not freed, as the allocator counts it.
package enum HeapUsage {
    /// Bytes of all arenas and mappings.
    package static var bytes: Int {
        let info = mallinfo2()
        return Int(info.uordblks) + Int(info.hblkhd)
    }

    /// False where another allocator counts, such as a sanitizer's.
    package static let isMeasured: Bool = {
        let before = Self.bytes
        let block = UnsafeMutableRawPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { block.deallocate() }
        return Self.bytes - before >= 1 << 19
    }()
}
