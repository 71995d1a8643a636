internal import CLinux

/// What the process has allocated and not freed, as the allocator counts it.
package enum HeapUsage {
    /// Bytes of all arenas and mappings.
    package static var bytes: Int {
        let info = mallinfo2()
        return Int(info.uordblks) + Int(info.hblkhd)
    }
}
