package import Settings
internal import Synchronization

/// The connectors in force, by destination name.
///
/// A reload replaces them as a whole.
package final class ConnectorSet: Sendable {
    private let connectors: Mutex<[String: any Connector]>

    package init(_ connectors: [String: any Connector] = [:]) { self.connectors = Mutex(connectors) }

    package subscript(_ destination: String) -> (any Connector)? { connectors.withLock { $0[destination] } }
    package var all: [String: any Connector] { connectors.withLock { $0 } }
    package func replace(with connectors: [String: any Connector]) { self.connectors.withLock { $0 = connectors } }

    /// What the call's action is; nil where the destination or the action does not exist.
    package func action(_ call: Flow.Call) -> ActionDescription? {
        self[call.destination]?.actions.first { $0.name == call.action }
    }
}
