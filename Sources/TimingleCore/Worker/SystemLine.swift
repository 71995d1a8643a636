/// The grey line that tells a room of a change, in the change's language.
enum SystemLine {
    /// Nil when the change has nothing to tell.
    static func text(of change: EventChange) -> String? {
        let actor = self.name(change.entries.first?.actorName)
        let subject = self.name(change.subjectName ?? change.entries.first?.actorName)
        switch change.type {
        case .created:
            return self.pick(change, "\(actor)님이 약속을 만들었습니다.", "\(actor) created the event.")
        case .updated:
            let fields = self.fields(change)
            guard !fields.isEmpty else { return nil }
            return self.pick(
                change,
                "\(actor)님이 약속을 변경했습니다: \(fields.joined(separator: ", "))",
                "\(actor) changed the event: \(fields.joined(separator: ", "))"
            )
        case .confirmed:
            if change.entries.first?.metadata["automatic"] == "true" {
                return self.pick(
                    change,
                    "모두 수락하여 약속이 확정되었습니다.",
                    "Everybody accepted: the event is confirmed."
                )
            }
            if change.subjectName != nil {
                return self.pick(
                    change,
                    "\(subject)님이 참여를 확정했습니다.",
                    "\(subject) confirmed the participation."
                )
            }
            return self.pick(change, "\(actor)님이 약속을 확정했습니다.", "\(actor) confirmed the event.")
        case .canceled:
            let reason = change.entries.first?.metadata["reason"].map { ": \($0)" } ?? "."
            return self.pick(change, "\(actor)님이 약속을 취소했습니다\(reason)", "\(actor) canceled the event\(reason)")
        case .done:
            return self.pick(change, "약속이 완료되었습니다.", "The event is done.")
        case .participantAdded:
            return self.pick(change, "\(subject)님이 초대되었습니다.", "\(subject) was invited.")
        case .participantRemoved:
            if subject != actor {
                return self.pick(change, "\(actor)님이 \(subject)님을 내보냈습니다.", "\(actor) removed \(subject).")
            }
            return self.pick(change, "\(subject)님이 나갔습니다.", "\(subject) left.")
        case .participantAccepted:
            return self.pick(change, "\(subject)님이 참여를 수락했습니다.", "\(subject) accepted the invitation.")
        case .participantDeclined:
            return self.pick(change, "\(subject)님이 참여를 거절했습니다.", "\(subject) declined the invitation.")
        }
    }

    private static func pick(_ change: EventChange, _ korean: String, _ english: String) -> String {
        LocalizedText(ko: korean, en: english)[change.language]
    }

    private static func name(_ name: String?) -> String {
        guard let name, !name.isEmpty else { return "?" }
        return name
    }

    /// The changed fields in people's words, each once.
    private static func fields(_ change: EventChange) -> [String] {
        var words: [String] = []
        for entry in change.entries {
            guard let field = entry.fieldName else { continue }
            let word = LocalizedText(ko: self.korean(field), en: self.english(field))[change.language]
            if !words.contains(word) { words.append(word) }
        }
        return words
    }

    private static func korean(_ field: String) -> String {
        switch field {
        case "title": "제목"
        case "description": "설명"
        case "location": "장소"
        case "start_time": "시작 시간"
        case "end_time": "종료 시간"
        case "status": "상태"
        case "participants": "참가자의 수락(다시 필요)"
        default: field
        }
    }

    private static func english(_ field: String) -> String {
        switch field {
        case "start_time": "start time"
        case "end_time": "end time"
        case "participants": "acceptances (asked for again)"
        default: field
        }
    }
}
