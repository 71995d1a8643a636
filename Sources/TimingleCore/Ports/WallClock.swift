/// Where services get the time from.
package protocol WallClock: Sendable {
    func now() -> Timestamp
}
