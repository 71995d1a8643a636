/// Content that lies in a file, whole or in parts, with what belongs between them.
///
/// A value. The connection sends it piece by piece, and reads nothing on its loop that may wait for a disk.
package struct HTTPFileContent: Sendable {
    enum Part: Sendable {
        case bytes([UInt8])
        case region(FileRegion)

        var count: Int {
            switch self {
            case .bytes(let bytes): bytes.count
            case .region(let region): region.count
            }
        }
    }

    let parts: [Part]
    package let count: Int
    let reader: FileReader
    /// All of it, where it is in memory already; then it leaves together with its head.
    let bytes: [UInt8]?

    init(_ parts: [Part], reader: FileReader) {
        self.parts = parts.filter { $0.count > 0 }
        self.count = self.parts.reduce(0) { $0 + $1.count }
        self.reader = reader
        var bytes: [UInt8]? = []
        for part in self.parts {
            switch part {
            case .bytes(let more): bytes = bytes.map { $0.isEmpty ? more : $0 + more }
            case .region: bytes = nil
            }
        }
        self.bytes = bytes
    }
}
