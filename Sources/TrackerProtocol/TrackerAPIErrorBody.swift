// SPDX-License-Identifier: Apache-2.0

/// The body of every answer of a tracker's API that is not a success.
package struct TrackerAPIErrorBody: Codable, Equatable, Sendable {
    package struct Detail: Codable, Equatable, Sendable {
        /// A word for programs, such as `version_exists`.
        package var code: String
        /// One sentence for people.
        package var message: String

        package init(code: String, message: String) {
            self.code = code
            self.message = message
        }
    }

    package var error: Detail

    package init(code: String, message: String) {
        error = Detail(code: code, message: message)
    }
}
