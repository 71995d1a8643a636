internal import FoundationEssentials
package import TimingleNet

/// The broker's word that a message is stored.
package struct JetStreamPublishAck: Sendable, Equatable {
    package let stream: String
    package let sequence: UInt64
    package let isDuplicate: Bool
}

/// JetStream's documented API, spoken as requests and answers in JSON.
///
/// Any thread. Each exchange has its own deadline.
package struct JetStreamClient: Sendable {
    package let connection: NATSConnection
    private let log: Log

    package init(connection: NATSConnection, log: Log) {
        self.connection = connection
        self.log = log.labelled("jetstream")
    }

    // MARK: Streams and consumers

    /// Creates the stream, or changes it where it is otherwise.
    package func ensureStream(_ settings: JetStreamStreamSettings) async throws(NATSError) {
        do throws(NATSError) {
            let info = try await self.call("STREAM.INFO.\(settings.name)")
            guard case .object(let config)? = info["config"] else {
                throw NATSError(.malformedAnswer, "stream info without config")
            }
            guard !settings.matches(config) else { return }
            _ = try await self.call("STREAM.UPDATE.\(settings.name)", settings.json())
            self.log.notice("stream settings changed", ["stream": "\(settings.name)"])
        } catch {
            guard error.apiCode == NATSError.APICode.streamNotFound else { throw error }
            do throws(NATSError) {
                _ = try await self.call("STREAM.CREATE.\(settings.name)", settings.json())
                self.log.notice("stream created", ["stream": "\(settings.name)"])
            } catch {
                // Another process was faster, perhaps with other settings; it will be looked at on the next start.
                guard error.apiCode == NATSError.APICode.streamNameInUse else { throw error }
            }
        }
    }

    /// Ensures all streams, trying again until it succeeds or the task is cancelled.
    package func ensureStreams(_ streams: [JetStreamStreamSettings]) async throws(CancellationError) {
        var attempt = 0
        for settings in streams {
            while true {
                do throws(NATSError) {
                    try await self.ensureStream(settings)
                    break
                } catch {
                    attempt += 1
                    // The first tries of a start meet a broker that is still connecting: nothing to warn of.
                    if attempt % 20 == 4 {
                        self.log.warning(
                            "stream is not there yet",
                            ["stream": "\(settings.name)", "error": "\(error)"]
                        )
                    }
                }
                try await pause(.milliseconds(min(100 << min(attempt, 5), 2_000)))
            }
        }
    }

    package func ensureConsumer(_ settings: JetStreamConsumerSettings) async throws(NATSError) {
        _ = try await self.call(
            "CONSUMER.DURABLE.CREATE.\(settings.stream).\(settings.durable)",
            settings.json()
        )
    }

    /// How far the consumer is.
    package func consumerState(_ settings: JetStreamConsumerSettings) async throws(NATSError) -> JetStreamConsumerState
    {
        let info = try await self.call("CONSUMER.INFO.\(settings.stream).\(settings.durable)")
        guard let state = JetStreamConsumerState(info) else {
            throw NATSError(.malformedAnswer, "consumer info without positions")
        }
        return state
    }

    // MARK: Messages

    /// Publishes and waits for the acknowledgement.
    ///
    /// `expectedLast` refers to the subject; 0 means that it must be empty.
    package func publish(
        _ subject: String,
        _ payload: [UInt8],
        id: String,
        expectedLast: UInt64? = nil,
        headers: [(name: String, value: String)] = []
    ) async throws(NATSError) -> JetStreamPublishAck {
        var headers = headers
        headers.append(("Nats-Msg-Id", id))
        if let expectedLast { headers.append(("Nats-Expected-Last-Subject-Sequence", String(expectedLast))) }
        let answer = try await self.connection.request(
            subject,
            payload,
            headers: headers,
            timeout: self.connection.configuration.publishTimeout
        )
        let fields = try Self.fields(answer)
        guard case .string(let stream)? = fields["stream"],
            let sequence = fields["seq"]?.integerValue, sequence > 0
        else { throw NATSError(.malformedAnswer, "an acknowledgement without stream and sequence") }
        return JetStreamPublishAck(
            stream: stream,
            sequence: UInt64(sequence),
            isDuplicate: fields["duplicate"] == .bool(true)
        )
    }

    package func lastMessage(stream: String, subject: String) async throws(NATSError) -> BrokerItem? {
        try await self.message(stream, JSONWriter.object { $0.field("last_by_subj", subject) })
    }

    package func message(stream: String, sequence: UInt64) async throws(NATSError) -> BrokerItem? {
        try await self.message(stream, JSONWriter.object { $0.field("seq", Int64(clamping: sequence)) })
    }

    package func nextMessage(
        stream: String,
        subject: String,
        from sequence: UInt64
    ) async throws(NATSError) -> BrokerItem? {
        let body = JSONWriter.object { writer in
            writer.field("seq", Int64(clamping: sequence))
            writer.field("next_by_subj", subject)
        }
        return try await self.message(stream, body)
    }

    /// What the stream has at these places, in their order; those that are gone are left out.
    ///
    /// All places are asked for at once: the range is to be short.
    package func messages(
        stream: String,
        at range: ClosedRange<UInt64>
    ) async throws(NATSError) -> [BrokerItem] {
        let answers = await withTaskGroup(of: Result<BrokerItem?, NATSError>.self) { group in
            for sequence in range {
                group.addTask {
                    do throws(NATSError) {
                        return .success(try await self.message(stream: stream, sequence: sequence))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            var answers: [Result<BrokerItem?, NATSError>] = []
            for await answer in group { answers.append(answer) }
            return answers
        }
        var items: [BrokerItem] = []
        for answer in answers {
            if let item = try answer.get() { items.append(item) }
        }
        return items.sorted { $0.sequence < $1.sequence }
    }

    private func message(_ stream: String, _ body: [UInt8]) async throws(NATSError) -> BrokerItem? {
        let answer: [String: JSONValue]
        do throws(NATSError) {
            answer = try await self.call("STREAM.MSG.GET.\(stream)", body)
        } catch {
            if error.apiCode == NATSError.APICode.messageNotFound { return nil }
            throw error
        }
        guard case .object(let message)? = answer["message"],
            let sequence = message["seq"]?.integerValue, sequence > 0
        else { throw NATSError(.malformedAnswer, "a stored message without sequence") }
        var payload: [UInt8] = []
        if case .string(let text)? = message["data"] {
            guard let data = Data(base64Encoded: text) else {
                throw NATSError(.malformedAnswer, "a stored message that is not Base64")
            }
            payload = Array(data)
        }
        return BrokerItem(sequence: UInt64(sequence), payload: payload)
    }

    // MARK: Exchanges

    private func call(_ operation: String, _ body: [UInt8] = []) async throws(NATSError) -> [String: JSONValue] {
        let answer = try await self.connection.request(
            "$JS.API.\(operation)",
            body,
            timeout: self.connection.configuration.requestTimeout
        )
        return try Self.fields(answer)
    }

    /// The members of the answer, or the error that it carries.
    private static func fields(_ answer: NATSMessage) throws(NATSError) -> [String: JSONValue] {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONReader.parse(answer.payload)
        } catch {
            throw NATSError(.malformedAnswer, "an answer that is not JSON: \(error)")
        }
        guard case .object(let fields) = value else {
            throw NATSError(.malformedAnswer, "an answer that is no object")
        }
        guard case .object(let error)? = fields["error"] else { return fields }
        var description = "refused"
        if case .string(let text)? = error["description"] { description = text }
        throw NATSError(.refused, description, apiCode: error["err_code"]?.integerValue ?? 0)
    }
}

/// Waits, and throws only when the task was cancelled.
func pause(_ duration: Duration) async throws(CancellationError) {
    do {
        try await Task.sleep(for: duration)
    } catch {
        throw CancellationError()
    }
}
