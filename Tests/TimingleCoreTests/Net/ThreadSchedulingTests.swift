import Glibc
import Testing
import TimingleNet

struct ThreadSchedulingTests {
    private struct Failure: Error {}

    @Test func aThreadIsGivenBackAsItWas() throws {
        let before = try #require(ThreadScheduling.current, "the tests themselves run in another class")
        for scheduling in ThreadScheduling.allCases {
            let inside = scheduling.run { ThreadScheduling.current }
            #expect(inside == scheduling)
            #expect(ThreadScheduling.current == before)
        }
    }

    @Test func itIsGivenBackBehindAnErrorToo() throws {
        let before = try #require(ThreadScheduling.current)
        #expect(throws: Failure.self) {
            try ThreadScheduling.batch.run { throw Failure() }
        }
        #expect(ThreadScheduling.current == before)
    }

    @Test func oneInsideTheOtherEndsInOrder() {
        ThreadScheduling.batch.run {
            ThreadScheduling.normal.run { #expect(ThreadScheduling.current == .normal) }
            #expect(ThreadScheduling.current == .batch)
        }
    }

    /// SCHED_IDLE, which needs no privilege, stands for the classes that an operator may have chosen.
    @Test func aClassThatAnOperatorChoseIsKept() throws {
        let classOfIdleness: CInt = 5
        var isKept: Bool?
        var wasSet = false
        // A thread of its own: it may not be able to come back from that class.
        try onThread {
            var parameters = sched_param(sched_priority: 0)
            wasSet = sched_setscheduler(0, classOfIdleness, &parameters) == 0
            isKept = ThreadScheduling.batch.run { sched_getscheduler(0) == classOfIdleness }
        }
        try #require(wasSet)
        #expect(isKept == true)
    }
}

/// Runs `body` on a new thread and waits for its end.
private func onThread(_ body: () -> Void) throws {
    try withoutActuallyEscaping(body) { body in
        var box = body
        try withUnsafeMutablePointer(to: &box) { pointer in
            var thread = pthread_t()
            let result = pthread_create(
                &thread,
                nil,
                { argument in
                    argument?.assumingMemoryBound(to: (() -> Void).self).pointee()
                    return nil
                },
                pointer
            )
            try #require(result == 0)
            pthread_join(thread, nil)
        }
    }
}
