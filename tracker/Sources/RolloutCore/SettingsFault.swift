// SPDX-License-Identifier: Apache-2.0

/// A setting that cannot be used, and what it must be.
package struct SettingsFault: Error, Equatable, Sendable, CustomStringConvertible {
    package let setting: String
    package let demand: String

    package var description: String { "The setting \(setting) \(demand)." }
}
