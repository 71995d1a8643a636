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

    /// Areas for who turns bytes into other bytes between socket and connection; none is made before it is asked for.
    package private(set) lazy var transform = TransformBuffers()

    /// Takes the read buffer until `giveBack`.
    func borrow() -> UnsafeMutableRawBufferPointer {
        precondition(!self.borrowed, "the loop's read buffer is lent out: a read inside a delivery")
        self.borrowed = true
        return self.storage
    }

    func giveBack() { self.borrowed = false }
}

/// Scratch that one loop's TLS connections share, each for the length of a call.
///
/// Loop-confined. Nothing lives here from one call to the next.
package final class TransformBuffers {
    /// Bytes of `sealed`: more than a read's worth, so that what a read was answered with leaves in one write.
    static let sealedBytes = BufferPool.readBytes + 8 * 1024

    /// What was received and is not decrypted yet.
    let received: UnsafeMutableRawBufferPointer
    /// Small chunks, put together to one record's content.
    let gathered: UnsafeMutableRawBufferPointer
    /// Records on their way out.
    let sealed: UnsafeMutableRawBufferPointer

    fileprivate init() {
        func area(_ bytes: Int) -> UnsafeMutableRawBufferPointer {
            // SAFETY: owned by this object, freed in deinit, used by one call on the loop at a time.
            let area = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 16)
            area.initializeMemory(as: UInt8.self, repeating: 0)
            return area
        }
        self.received = area(BufferPool.readBytes)
        self.gathered = area(16 * 1024)
        self.sealed = area(Self.sealedBytes)
    }

    deinit {
        self.received.deallocate()
        self.gathered.deallocate()
        self.sealed.deallocate()
    }
}
