internal import SupabaseFiles

/// One file that the kit lays into the product's repository.
package struct KitFile: Sendable, Hashable {
    /// Relative to the repository.
    package var path: String
    package var text: String

    /// The Edge Functions, by their names; each is `handle` of a file beside its `index.ts`.
    package static let functionNames = ["stripe-webhook", "chat-events", "health"]

    /// The Edge Functions and what they share.
    package static var functions: [KitFile] {
        let handlers = [KitFiles.stripeWebhook, KitFiles.chatEvents, KitFiles.health]
        return [KitFile(path: "supabase/functions/_shared/throughline.ts", text: KitFiles.library)]
            + zip(functionNames, handlers).flatMap { name, handler in
                [
                    KitFile(path: "supabase/functions/\(name)/\(name).ts", text: handler),
                    KitFile(path: "supabase/functions/\(name)/index.ts", text: index(of: name)),
                ]
            }
    }

    /// The file with which the platform starts a function.
    package static func index(of function: String) -> String {
        "import { handle } from \"./\(function).ts\";\n\nDeno.serve((request) => handle(request));\n"
    }

    package static var inboxMigration: String { KitFiles.inboxMigration }
}
