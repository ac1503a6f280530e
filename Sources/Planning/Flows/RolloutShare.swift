package import Settings

/// Which part of the world a flow may touch.
package enum RolloutShare {
    /// Whether the flow acts for what is named so; else it only says what it would do.
    ///
    /// The same name always falls on the same side, and raising the share never takes anyone out.
    package static func includes(_ name: String, in rollout: Rollout) -> Bool {
        switch rollout {
        case .off, .shadow: false
        case .on: true
        case .canary(let percent): Double(hash(name) >> 11) * 0x1p-53 * 100 < percent
        }
    }

    /// FNV-1a in 64 bits, and MurmurHash3's finaliser behind it: FNV alone hardly moves the upper bits for names that
    /// differ at their end only, as payment ids do.
    static func hash(_ name: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        hash = (hash ^ hash >> 33) &* 0xFF51_AFD7_ED55_8CCD
        hash = (hash ^ hash >> 33) &* 0xC4CE_B9FE_1A85_EC53
        return hash ^ hash >> 33
    }
}
