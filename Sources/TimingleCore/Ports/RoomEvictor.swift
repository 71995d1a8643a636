/// Puts a user out of a room at once: declined, removed, suspended.
///
/// Any thread; does not wait.
package protocol RoomEvictor: Sendable {
    func evict(event: EventID, user: UserID)
}
