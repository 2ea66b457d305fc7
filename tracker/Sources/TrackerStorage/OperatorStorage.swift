// SPDX-License-Identifier: Apache-2.0

package import OperatorAccess

/// The tokens of operators.
package protocol OperatorStorage: Sendable {
    /// Adds a token. With `oneTime` this uses up the one-time token of that id.
    /// - Returns: `false`, and nothing is added, when that token is used up, withdrawn or not there, or when the new
    ///   one's id is taken.
    func addToken(_ token: OperatorToken, usingUp oneTime: String?) async throws(StorageError) -> Bool
    func token(id: String) async throws(StorageError) -> OperatorToken?
    /// Tokens by id, withdrawn and expired ones included.
    func tokens(after id: String?, limit: Int) async throws(StorageError) -> Page<OperatorToken, String>
    /// Withdraws a token for good.
    /// - Returns: the token as it was before; `nil` when there is none. One that is withdrawn already stays as it is.
    func revokeToken(id: String, at time: Int64) async throws(StorageError) -> OperatorToken?
}
