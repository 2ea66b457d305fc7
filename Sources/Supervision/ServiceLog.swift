// SPDX-License-Identifier: Apache-2.0

package import Logging

/// Where a program's log goes.
package enum ServiceLog {
    /// To the journal with its fields where standard error leads there, and else to standard error.
    package static func handler(label: String) -> any LogHandler {
        if JournalLogHandler.isInUse, let journal = JournalLogHandler(label: label) { return journal }
        return StreamLogHandler.standardError(label: label)
    }
}
