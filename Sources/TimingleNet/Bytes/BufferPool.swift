/// The read buffer that all connections of one loop share.
///
/// Loop-confined.
///
/// Its content lives for one delivery only, so one per loop is enough and an idle connection owns none.
package final class BufferPool {
    /// Bytes of one read.
    package static let readBytes = 64 * 1024

    private let storage: UnsafeMutableRawBufferPointer
    private var borrowed = false

    package init() {
        // SAFETY: owned by this object, freed in deinit, lent to one borrower at a time.
        self.storage = .allocate(byteCount: Self.readBytes, alignment: 16)
        self.storage.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit { self.storage.deallocate() }

    /// Takes the read buffer until `giveBack`.
    func borrow() -> UnsafeMutableRawBufferPointer {
        precondition(!self.borrowed, "the loop's read buffer is lent out: a read inside a delivery")
        self.borrowed = true
        return self.storage
    }

    func giveBack() { self.borrowed = false }
}
