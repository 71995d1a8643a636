import Testing
import TimingleNet

@testable import TimingleCQL

struct ControlConnectionStateMachineTests {
    private let a = SocketAddress.ipv4(address: 1, port: 9_042)
    private let b = SocketAddress.ipv4(address: 2, port: 9_042)

    private func machine() -> ControlConnectionStateMachine {
        ControlConnectionStateMachine(backoff: ReconnectBackoff(base: .milliseconds(100), max: .seconds(1)))
    }

    private func connecting() -> ControlConnectionStateMachine {
        var machine = self.machine()
        _ = machine.start()
        _ = machine.candidatesFound([self.a, self.b], jitter: 1)
        return machine
    }

    private func reading() -> ControlConnectionStateMachine {
        var machine = self.connecting()
        _ = machine.connected()
        return machine
    }

    private func ready() -> ControlConnectionStateMachine {
        var machine = self.reading()
        _ = machine.tablesRead()
        return machine
    }

    @Test func theWayToReadyIsFound() {
        var machine = self.machine()
        #expect(machine.start() == .findCandidates)
        #expect(machine.candidatesFound([self.a, self.b], jitter: 1) == .connect(self.a))
        #expect(machine.connected() == .readTables)
        #expect(machine.tablesRead() == .nothing)
    }

    @Test func oneNodeAfterTheOtherIsTriedAndThenThereIsAPause() {
        var machine = self.connecting()
        #expect(machine.lost(jitter: 1) == .connect(self.b))
        #expect(machine.connected() == .readTables)
        // Its tables could not be read.
        #expect(machine.lost(jitter: 1) == .pause(.milliseconds(100)))
        #expect(machine.pauseEnded() == .findCandidates)
        #expect(machine.candidatesFound([], jitter: 1) == .pause(.milliseconds(200)))
    }

    @Test func aLostConnectionIsReplacedAtOnce() {
        var machine = self.ready()
        #expect(machine.lost(jitter: 1) == .findCandidates)
    }

    @Test func successStartsThePausesOver() {
        var machine = self.machine()
        _ = machine.start()
        _ = machine.candidatesFound([], jitter: 1)
        _ = machine.pauseEnded()
        _ = machine.candidatesFound([self.a], jitter: 1)
        _ = machine.connected()
        _ = machine.tablesRead()
        _ = machine.lost(jitter: 1)
        #expect(machine.candidatesFound([], jitter: 1) == .pause(.milliseconds(100)))
    }

    @Test func whatChangedMeanwhileIsReadAgain() {
        var machine = self.ready()
        #expect(machine.refreshDue() == .readTables)
        #expect(machine.refreshDue() == .nothing)
        #expect(machine.tablesRead() == .readTables)
        #expect(machine.tablesRead() == .nothing)
    }

    @Test func nothingIsReadWhereNobodyCanBeAsked() {
        var idle = self.machine()
        #expect(idle.refreshDue() == .nothing)
        var connecting = self.connecting()
        #expect(connecting.refreshDue() == .nothing)
        #expect(connecting.state == self.connecting().state)
        var searching = self.machine()
        _ = searching.start()
        #expect(searching.refreshDue() == .nothing)
        #expect(searching.candidatesFound([], jitter: 0) == .pause(.milliseconds(50)))
        #expect(searching.refreshDue() == .nothing)
    }

    @Test func afterTheEndNothingHappens() {
        var machine = self.ready()
        #expect(machine.close() == .end)
        #expect(machine.isClosed == true)
        #expect(machine.close() == .nothing)
        #expect(machine.start() == .nothing)
        #expect(machine.candidatesFound([self.a], jitter: 0) == .nothing)
        #expect(machine.connected() == .nothing)
        #expect(machine.tablesRead() == .nothing)
        #expect(machine.lost(jitter: 0) == .nothing)
        #expect(machine.pauseEnded() == .nothing)
        #expect(machine.refreshDue() == .nothing)
        var idle = self.machine()
        #expect(idle.close() == .end)
    }

    @Test(arguments: ["started twice", "candidates", "connected", "tables", "lost", "pause"])
    func eventsThatNobodyAskedForAreOurMistake(pair: String) async {
        await #expect(processExitsWith: .failure) { [pair] in
            var machine = ControlConnectionStateMachine(
                backoff: ReconnectBackoff(base: .milliseconds(100), max: .seconds(1))
            )
            switch pair {
            case "candidates": _ = machine.candidatesFound([], jitter: 0)
            case "connected": _ = machine.connected()
            case "tables": _ = machine.tablesRead()
            case "lost": _ = machine.lost(jitter: 0)
            case "pause": _ = machine.pauseEnded()
            default:
                _ = machine.start()
                _ = machine.start()
            }
        }
    }
}
