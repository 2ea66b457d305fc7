// SPDX-License-Identifier: Apache-2.0

/// How the hosts beyond the canaries are parted into waves: `5%,25%,100%` or `10,50,200x`.
///
/// Percentages are of those hosts and cumulative: they rise, and end with 100%. Numbers are sizes of waves; an `x` after
/// the last one repeats it until no host is left.
package struct WaveSpec: Equatable, Sendable, Codable, CustomStringConvertible {
    enum Form: Equatable, Sendable {
        case percentages([Int])
        case sizes([Int], isLastRepeated: Bool)
    }

    let form: Form

    /// 5%, 25%, 100%.
    package static let standard = WaveSpec(form: .percentages([5, 25, 100]))

    /// Reads the syntax above.
    package init(_ text: String) throws(WaveSpecError) {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        guard parts.count < RolloutLimits.waves else { throw .tooMany(RolloutLimits.waves) }
        if parts.allSatisfy({ $0.last == "%" }) {
            let numbers = try Self.numbers(parts.map { $0.dropLast() })
            guard numbers.last == 100, zip(numbers, numbers.dropFirst()).allSatisfy(<) else { throw .notRising(text) }
            form = .percentages(numbers)
        } else {
            let isRepeated = parts.last?.last == "x"
            let sizes = parts.dropLast() + (parts.last.map { [isRepeated ? $0.dropLast() : $0] } ?? [])
            form = .sizes(try Self.numbers(Array(sizes)), isLastRepeated: isRepeated)
        }
    }

    private init(form: Form) { self.form = form }

    private static func numbers(_ parts: [Substring]) throws(WaveSpecError) -> [Int] {
        var numbers: [Int] = []
        for part in parts {
            guard part.allSatisfy({ $0.isASCII && $0.isNumber }), let number = Int(part), number > 0,
                number <= RolloutLimits.hosts
            else { throw .badNumber(String(part)) }
            numbers.append(number)
        }
        return numbers
    }

    /// The sizes of the waves for so many hosts, in order; a wave may come out empty.
    func sizes(for hosts: Int) -> (sizes: [Int], left: Int) {
        switch form {
        case .percentages(let percentages):
            var before = 0
            let sizes = percentages.map { percentage in
                let until = (hosts * percentage + 99) / 100
                defer { before = until }
                return until - before
            }
            return (sizes, 0)
        case .sizes(let wanted, let isLastRepeated):
            var rest = hosts
            var sizes: [Int] = []
            func take(_ wish: Int) {
                let taken = min(wish, rest)
                rest -= taken
                sizes.append(taken)
            }
            wanted.forEach(take)
            while isLastRepeated, rest > 0, let last = wanted.last, sizes.count < RolloutLimits.waves { take(last) }
            return (sizes, rest)
        }
    }

    package var description: String {
        switch form {
        case .percentages(let percentages): percentages.map { "\($0)%" }.joined(separator: ",")
        case .sizes(let sizes, let isLastRepeated):
            sizes.map(String.init).joined(separator: ",") + (isLastRepeated ? "x" : "")
        }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        do {
            try self.init(container.decode(String.self))
        } catch let error as WaveSpecError {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: error.description)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
