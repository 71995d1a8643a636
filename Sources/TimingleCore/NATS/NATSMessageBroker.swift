/// The rooms' durable log in the stream CHAT_MESSAGES.
///
/// Any thread.
package struct NATSMessageBroker: MessageBroker {
    private let client: JetStreamClient
    private let stream = JetStreamTopology.chatStream

    package init(client: JetStreamClient) { self.client = client }

    package func append(
        event: EventID,
        payload: [UInt8],
        key: String,
        expectedLast: UInt64
    ) async throws(BrokerError) -> BrokerReceipt {
        do throws(NATSError) {
            let ack = try await self.client.publish(
                JetStreamTopology.chatSubject(event),
                payload,
                id: key,
                expectedLast: expectedLast
            )
            return BrokerReceipt(sequence: ack.sequence, isDuplicate: ack.isDuplicate)
        } catch {
            throw error.asBrokerError
        }
    }

    package func last(event: EventID) async throws(BrokerError) -> BrokerItem? {
        do throws(NATSError) {
            return try await self.client.lastMessage(
                stream: self.stream,
                subject: JetStreamTopology.chatSubject(event)
            )
        } catch {
            throw error.asReadError
        }
    }

    package func item(at sequence: UInt64) async throws(BrokerError) -> BrokerItem? {
        do throws(NATSError) {
            return try await self.client.message(stream: self.stream, sequence: sequence)
        } catch {
            throw error.asReadError
        }
    }

    package func next(event: EventID, from sequence: UInt64) async throws(BrokerError) -> BrokerItem? {
        do throws(NATSError) {
            return try await self.client.nextMessage(
                stream: self.stream,
                subject: JetStreamTopology.chatSubject(event),
                from: sequence
            )
        } catch {
            throw error.asReadError
        }
    }
}

/// Publishes committed changes on `event.<type>`.
///
/// Any thread.
package struct NATSChangePublisher: ChangePublisher {
    private let client: JetStreamClient

    package init(client: JetStreamClient) { self.client = client }

    package func publish(_ change: EventChange) async throws(BrokerError) {
        do throws(NATSError) {
            _ = try await self.client.publish(
                JetStreamTopology.changeSubject(change.type),
                ChangeRecord.encode(change),
                id: change.id.description
            )
        } catch {
            throw error.asBrokerError
        }
    }
}

extension NATSError {
    /// What an error means for a publication.
    var asBrokerError: BrokerError {
        switch self.code {
        case .timeout, .closed, .malformedAnswer: .outcomeUnknown(self.description)
        case .disconnected, .noResponders, .overloaded, .library: .unavailable(self.description)
        case .refused:
            switch self.apiCode {
            case APICode.wrongLastSequence, APICode.wrongLastSequenceConstant: .wrongLastSequence
            default: .rejected(self.description)
            }
        }
    }

    /// A read has no outcome that could be unknown.
    var asReadError: BrokerError { .unavailable(self.description) }
}
