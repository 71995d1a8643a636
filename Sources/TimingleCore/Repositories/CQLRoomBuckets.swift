/// How a room's items are spread over partitions, by `seq` alone: nobody has to look it up.
///
/// Immutable. Bucket 0 is `chat_messages_by_event`, the others are in `chat_messages_by_event_bucket`.
struct CQLRoomBuckets: Sendable {
    /// With 2 KB an item, which few have, a bucket has the 100 MB that are advised at most.
    ///
    /// Never to be changed where rows were written by it: they would not be found again.
    static let standard = CQLRoomBuckets(size: 50_000)

    let size: Int64

    func bucket(of seq: Int64) -> Int32 { Int32(clamping: (seq - 1) / self.size) }
}
