// SPDX-License-Identifier: Apache-2.0

/// What is answered instead of a success (`application/problem+json`).
package struct FleetProblem: Codable, Equatable, Sendable, Error {
    package var status: Int
    /// A word for programs.
    package var code: ReasonCode
    /// One sentence for people: what happened and what to do.
    package var detail: String

    package init(status: Int, code: ReasonCode, detail: String) {
        self.status = status
        self.code = code
        self.detail = detail
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        status = try container.number(.status, 100...599)
        code = try container.decode(ReasonCode.self, forKey: .code)
        detail = try container.text(.detail, limit: 16 << 10)
    }
}
