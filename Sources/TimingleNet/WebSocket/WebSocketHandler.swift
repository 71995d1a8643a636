/// What an application does with one WebSocket.
///
/// Loop-confined.
package protocol WebSocketHandler: AnyObject {}
