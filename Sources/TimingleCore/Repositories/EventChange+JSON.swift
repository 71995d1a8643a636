internal import FoundationEssentials

extension EventChange {
    /// The change as it stands in the outbox and travels on `event.*`.
    package func json() throws(StoreError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return [UInt8](try encoder.encode(self))
        } catch {
            throw .rejected("a change that JSON cannot hold: \(error)")
        }
    }

    package init(json bytes: [UInt8]) throws(StoreError) {
        do {
            self = try JSONDecoder().decode(EventChange.self, from: Data(bytes))
        } catch {
            throw .rejected("not a change of an event: \(error)")
        }
    }

    /// The broker's subject: `event.updated`.
    package var subject: String { "event.\(self.type.subjectToken)" }
}
