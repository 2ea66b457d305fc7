// SPDX-License-Identifier: Apache-2.0

/// What is wrong with a ``WaveSpec``'s text.
package enum WaveSpecError: Error, Equatable, CustomStringConvertible {
    case badNumber(String)
    case notRising(String)
    case tooMany(Int)

    package var description: String {
        switch self {
        case .badNumber(let text):
            "“\(text)” is no size of a wave: write percentages (5%,25%,100%) or numbers of hosts above 0 (10,50,200x)."
        case .notRising(let text): "The waves “\(text)” do not rise to 100%: each percentage includes those before it."
        case .tooMany(let limit): "There are too many waves: \(limit) are the most, the canaries' included."
        }
    }
}
