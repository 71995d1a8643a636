/// What rooms may hold for loops that are behind.
///
/// A value.
package struct RoomLimits: Sendable {
    /// Bytes of publications of other threads that wait for one loop.
    ///
    /// A loop takes them once a turn: to be this far behind, it must have stood still for seconds. Who misses a
    /// publication over it is parted from like a slow member.
    package var inboxBytes = 64 * 1024 * 1024

    package init() {}
}
