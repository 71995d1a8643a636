/// Shows an event's members what was changed, by whom and when.
///
/// Immutable.
package struct HistoryService: Sendable {
    package static let limitDefault = 100
    package static let limitMax = 200

    private let events: any EventAccessStore
    private let history: any HistoryStore

    package init(events: any EventAccessStore, history: any HistoryStore) {
        self.events = events
        self.history = history
    }

    /// Newest first; `before` is the `change_id` of the last entry that the caller has.
    package func page(
        event: EventID,
        before: String?,
        limit: Int = HistoryService.limitDefault,
        by requester: Requester
    ) async throws(ServiceError) -> [HistoryEntry] {
        let cursor = try Self.cursor(before)
        do {
            guard let access = try await self.events.access(event: event, user: requester.userID) else {
                throw ServiceError.eventNotFound
            }
            guard access.membership.isMember else { throw ServiceError.eventAccessDenied }
            return try await self.history.page(
                event: event,
                before: cursor,
                limit: min(max(limit, 1), Self.limitMax)
            )
        } catch let error as StoreError {
            throw error.asServiceError
        } catch let error as ServiceError {
            throw error
        } catch {
            throw .unavailable("\(error)")
        }
    }

    /// An identifier of ours carries the time of its change, so that no look-up is needed.
    private static func cursor(
        _ before: String?
    ) throws(ServiceError) -> (changedAt: Timestamp, changeID: ChangeID)? {
        guard let before else { return nil }
        guard let id = ChangeID(text: before), let time = EventEvidence.time(of: id) else {
            throw .invalid(
                "before",
                ko: "before 값이 올바르지 않습니다.",
                en: "before must be the change_id of a history entry."
            )
        }
        return (time, id)
    }
}
