extension TaskPriority {
    /// The priority at which batches are appended, above all that a task can inherit.
    ///
    /// A sender waits for that commit; a store lets it go ahead of planning and settling.
    package static let acknowledging = TaskPriority(rawValue: TaskPriority.high.rawValue + 8)
}
