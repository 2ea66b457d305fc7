// SPDX-License-Identifier: Apache-2.0

import ImageStore
import Metainfo

/// Notices when adopted masters can no longer be used, and when they can again.
struct AdoptedWatch {
    enum Notice: Equatable {
        /// It cannot be used, or for another reason than before.
        case lost(MasterName, reason: String)
        case found(MasterName)
    }

    private var problems: [MasterName: String] = [:]

    /// Takes what the store says now. A master that was removed is forgotten without a word.
    mutating func take(_ masters: [Master]) -> [Notice] {
        var notices: [Notice] = []
        var now: [MasterName: String] = [:]
        for master in masters where master.location == .adopted {
            let before = problems[master.name]
            if let problem = master.problem {
                now[master.name] = problem
                if problem != before { notices.append(.lost(master.name, reason: problem)) }
            } else if before != nil {
                notices.append(.found(master.name))
            }
        }
        problems = now
        return notices
    }
}
