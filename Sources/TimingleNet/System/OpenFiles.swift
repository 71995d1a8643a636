internal import Synchronization

/// The files that are being sent: whoever reads the same state of the same file shares one descriptor.
///
/// Any thread (Mutex). So the number of readers, which is the peers' to choose, is not one of descriptors.
final class OpenFiles: Sendable {
    private struct Place {
        weak var file: RegularFile?
    }

    private let places = Mutex<[FileStamp: Place]>([:])
    private let filesMax: Int

    init(filesMax: Int) { self.filesMax = filesMax }

    /// The one that is open already, or `file` itself; nil when too many others are open.
    func shared(_ file: RegularFile) -> RegularFile? {
        self.places.withLock { places in
            if let other = places[file.stamp]?.file { return other }
            if places.count >= self.filesMax { places = places.filter { $0.value.file != nil } }
            guard places.count < self.filesMax else { return nil }
            places[file.stamp] = Place(file: file)
            return file
        }
    }

    /// How many are open.
    var count: Int { self.places.withLock { places in places.values.count { $0.file != nil } } }
}
