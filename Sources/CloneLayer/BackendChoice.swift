// SPDX-License-Identifier: Apache-2.0

/// Which backend a caller wants.
package enum BackendChoice: Equatable, Sendable {
    /// The first that works, in an ``AutoOrder``.
    case auto
    case only(CloneBackendKind)

    /// Reads `auto` or a backend's word, such as `qcow2` or `dm-snapshot`.
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
    /// - Parameters:
    ///   - order: what `auto` tries; not needed for a backend that was named.
    ///   - settings: only backends that know them all are tried.
    /// - Throws: `.usage` for a backend this registry does not have or settings that do not belong to it, `.conflict`
    ///   when none works here, `.noSpace` when the clones would not fit.
    package func pick(
        from backends: [any CloneBackend], in order: AutoOrder?, for master: MasterImage, count: Int,
        settings: CloneSettings
    ) throws(CloneError) -> BackendPick {
        let knowing = settings.backends
        let kinds: [CloneBackendKind]
        switch self {
        case .auto:
            // Options that belong to one backend, such as a volume group, ask for that one.
            let usual = order?.kinds ?? CloneBackendKind.allCases
            let able = usual.filter(knowing.contains)
            kinds = able.isEmpty ? CloneBackendKind.allCases.filter(knowing.contains) : able
        case .only(let kind):
            guard knowing.contains(kind) else {
                throw CloneError(
                    .usage,
                    "\(settings.options) has no meaning for \(kind.rawValue); leave it out, or use --backend "
                        + Self.list(knowing))
            }
            kinds = [kind]
        }
        let candidates = kinds.compactMap { kind in backends.first { $0.kind == kind } }
        var obstacles: [String] = []
        var shortage: CloneError?
        for backend in candidates {
            switch backend.probe(master, settings: settings) {
            case .available(let facts):
                do throws(CloneError) { try Self.checkSpace(facts, count: count, master: master) } catch {
                    shortage = shortage ?? error
                    obstacles.append("\(backend.kind.rawValue) has not enough space")
                    continue
                }
                let passedOver = obstacles.isEmpty ? "" : " (\(obstacles.joined(separator: "; ")))"
                let why = order.map { "; \($0.reason)" } ?? ""
                return BackendPick(
                    backend: backend, facts: facts,
                    explanation: "\(backend.kind.rawValue): \(facts.summary)\(why)\(passedOver)")
            case .unavailable(let reason, let fix):
                let remedy = self == .auto ? "" : "; \(fix)"
                obstacles.append("\(backend.kind.rawValue) cannot be used because \(reason)\(remedy)")
            }
        }
        if let shortage { throw shortage }
        guard !obstacles.isEmpty else {
            throw CloneError(
                .usage,
                settings == .none
                    ? "this store has no such backend; use auto"
                    : "no backend takes \(settings.options) together; leave one out")
        }
        throw CloneError(.conflict, "cannot clone \(master.name): \(obstacles.joined(separator: "; "))")
    }

    private static func list(_ kinds: Set<CloneBackendKind>) -> String {
        CloneBackendKind.allCases.filter(kinds.contains).map(\.rawValue).joined(separator: " or ")
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
