/// The kit's files as they stand in this folder, carried in the binary.
package enum KitFiles {
    package static var inboxMigration: String { text(PackageResources.inbox_sql) }
    package static var library: String { text(PackageResources.throughline_ts) }
    package static var stripeWebhook: String { text(PackageResources.stripe_webhook_ts) }
    package static var chatEvents: String { text(PackageResources.chat_events_ts) }
    package static var health: String { text(PackageResources.health_ts) }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
