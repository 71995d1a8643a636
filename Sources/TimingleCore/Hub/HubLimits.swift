/// Every amount and time that bounds a hub.
package struct HubLimits: Sendable, Equatable {
    /// Drafts that may wait in one room.
    package var pendingPerRoomMax = 256
    /// Tries to place one draft.
    package var attemptsMax = 40
    /// How long placing one draft may take.
    package var sendDeadline: Duration = .seconds(10)
    /// Rooms that one loop remembers.
    package var roomsPerLoopMax = 10_000
    /// How long a room without members and work is remembered.
    package var roomIdleTime: Duration = .seconds(300)
    /// How long a missing item is waited for before it is fetched.
    package var gapPatience: Duration = .milliseconds(200)
    /// How long a room with members may be silent before the stream is asked whether that is true: a process may have
    /// died between an append and its announcement.
    package var lookInterval: Duration = .seconds(120)
    /// Rooms of one loop for which the stream is asked at the same time.
    package var looksAtOnceMax = 8
    /// How long after an item one that is missing below it may still be stored: longer than the worker's ack wait.
    package var unstoredAge: Duration = .seconds(30)
    /// Missed items that a joining member is sent.
    package var catchUpMax = 300
    /// How often the marks of those in a room with news are moved.
    package var markInterval: Duration = .seconds(3)
    /// How soon the mark of somebody who left is moved; those who leave together share a statement.
    package var leaveMarkDelay: Duration = .milliseconds(50)
    package var markRetryDelay: Duration = .seconds(30)
    package var marksPerStatementMax = 500
    /// Marks of those who left or caught up that may wait on one loop.
    package var marksWaitingMax = 20_000

    package init() {}
}
