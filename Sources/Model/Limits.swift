/// The bounds of everything that strangers can make grow.
///
/// Each has a test that reaches it.
package enum Limits {
    // At the door.
    package static let deliverySizeMax = 1 << 20
    package static let eventsSizeMax = 4 << 20
    package static let headersSizeMax = 16 << 10
    /// Deliveries whose bodies are there and that are not answered yet.
    package static let deliveriesAtOnceMax = 2048
    package static let smallBodySizeMax = 64 << 10
    /// All bodies larger than a small one together.
    package static let largeBodiesSizeMax = 128 << 20
    package static let jsonDepthMax = 64
    package static let batchEventsMax = 500
    package static let idLengthMax = 255
    package static let textLengthMax = 4 << 10
    package static let messageLengthMax = 32 << 10
    package static let dataFieldsMax = 256
    package static let signatureToleranceDefault: Duration = .seconds(300)

    // In the engine.
    package static let intakeQueueMax = 4096
    /// While the first in the queue has waited longer than this, nobody else is let in.
    package static let intakeWaitMax: Duration = .seconds(1)
    package static let intakeBatchMax = 256
    package static let planBatchMax = 256
    /// In whose planning the process ended so often is set aside: once may be chance.
    package static let plansStartedMax = 2
    package static let claimBatchMax = 100
    package static let identifiersPerSubjectMax = 500
    package static let effectsPerEventMax = 100
    package static let renderedTextMax = 64 << 10
    package static let storedErrorMax = 2 << 10
    package static let responseSizeMax = 1 << 20

    // In reconciliations.
    /// What a provider lists for one run at most; a run that meets the bound says that it was cut.
    package static let listedMax = 200_000
    package static let differencesMax = 10_000

    // For end users.
    package static let receiptFollowersMax = 256
    package static let receiptFollowersOfOneMax = 8
    package static let receiptFollowedMax: Duration = .seconds(600)

    // In lists.
    package static let pageDefault = 50
    package static let pageMax = 500
    package static let trailItemsMax = 2000
}
