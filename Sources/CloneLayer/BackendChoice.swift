// SPDX-License-Identifier: Apache-2.0

/// Which backend a caller wants.
package enum BackendChoice: Equatable, Sendable {
    /// The first that works, in the registry's order. docs/decisions/0003-clone-backend-contract.md gives the reasons
    /// for the order.
    case auto
    case only(CloneBackendKind)

    /// Reads `auto`, `qcow2`, `reflink`, `copy` or `vhd`.
    /// - Throws: ``CloneError`` of kind `.usage` that lists the words.
    package init(_ word: String) throws(CloneError) {
        if word == "auto" {
            self = .auto
        } else if let kind = CloneBackendKind(rawValue: word) {
            self = .only(kind)
        } else {
            let words = ["auto"] + CloneBackendKind.allCases.map(\.rawValue)
            throw CloneError(.usage, "there is no backend '\(word)': use \(words.joined(separator: ", "))")
        }
    }

    /// Picks a backend for `count` clones of `master`.
    /// - Parameter backends: in the order of preference.
    /// - Throws: `.usage` for a backend this registry does not have, `.conflict` when none works here, `.noSpace` when
    ///   the clones would not fit.
    package func pick(
        from backends: [any CloneBackend], for master: MasterImage, count: Int
    ) throws(CloneError) -> BackendPick {
        let candidates: [any CloneBackend]
        switch self {
        case .auto: candidates = backends.filter(\.kind.isChosenByAuto)
        case .only(let kind): candidates = backends.filter { $0.kind == kind }
        }
        var obstacles: [String] = []
        for backend in candidates {
            switch backend.probe(master) {
            case .available(let facts):
                try Self.checkSpace(facts, count: count, master: master)
                let passedOver = obstacles.isEmpty ? "" : " (\(obstacles.joined(separator: "; ")))"
                return BackendPick(
                    backend: backend, facts: facts,
                    explanation: "\(backend.kind.rawValue): \(facts.summary)\(passedOver)")
            case .unavailable(let reason, let fix):
                let remedy = self == .auto ? "" : "; \(fix)"
                obstacles.append("\(backend.kind.rawValue) cannot be used because \(reason)\(remedy)")
            }
        }
        guard !obstacles.isEmpty else {
            throw CloneError(.usage, "this store has no such backend; use auto")
        }
        throw CloneError(.conflict, "cannot clone \(master.name): \(obstacles.joined(separator: "; "))")
    }

    private static func checkSpace(_ facts: CloneFacts, count: Int, master: MasterImage) throws(CloneError) {
        guard let available = facts.bytesAvailable else { return }
        let (each, isTooMany) = facts.bytesPerClone.multipliedReportingOverflow(by: Int64(count))
        let (needed, isTooMuch) = each.addingReportingOverflow(facts.bytesOnce)
        let overflow = isTooMany || isTooMuch
        guard overflow || needed > available else { return }
        throw CloneError(
            .noSpace,
            "\(count) clone\(count == 1 ? "" : "s") of \(master.name) need\(count == 1 ? "s" : "") "
                + "\(overflow ? "more" : "\(needed)") bytes and \(available) are free; free some space"
                + (facts.sharesBlocks ? "" : " or use a backend that shares blocks"))
    }
}

/// A backend that was picked, and why.
package struct BackendPick: Sendable {
    package let backend: any CloneBackend
    package let facts: CloneFacts
    /// Such as "qcow2: works on every file system and shares the master's blocks".
    package let explanation: String
}
