import Testing
import TimingleCQL

struct CQLConsistencyTests {
    @Test func theCodesAreThoseOfTheSpecification() {
        #expect(CQLConsistency.allCases.map(\.rawValue) == Array(0...10))
        #expect(CQLConsistency(rawValue: 11) == nil)
    }

    @Test(arguments: CQLConsistency.allCases)
    func aNameLeadsBackToItsLevel(level: CQLConsistency) {
        #expect(CQLConsistency(name: level.name) == level)
        #expect(CQLConsistency(name: level.name.lowercased()) == level)
    }

    @Test func onlyTwoLevelsAreSerial() {
        #expect(CQLConsistency.allCases.filter(\.isSerial) == [.serial, .localSerial])
        #expect(CQLConsistency(name: "MOST") == nil)
    }
}
