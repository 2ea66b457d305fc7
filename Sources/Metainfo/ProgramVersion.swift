// SPDX-License-Identifier: Apache-2.0

/// The version of Drover's programs, as <https://semver.org> has it.
package enum ProgramVersion {
    package static let text = "0.1.0"
}
