/// The whole journal; each room asks only for its part of it.
package protocol JournalStore:
    IntakeJournal, PlanningJournal, WorkJournal, ReadingJournal, OperatingJournal, PruningJournal,
    ReconciliationJournal, SubjectJournal, WatchJournal, SurveyJournal, TallyJournal
{
    /// Lets go of it; calls after this throw `unavailable`.
    func close() async throws
}
