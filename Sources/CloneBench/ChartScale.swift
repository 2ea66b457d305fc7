// SPDX-License-Identifier: Apache-2.0

/// Where values lie along an axis, and which of them it names.
struct ChartScale: Equatable {
    let isLogarithmic: Bool
    let lower: Double
    let upper: Double
    /// Ascending, the ends included.
    let ticks: [Double]

    /// From zero to a round number above the largest value.
    init(linearTo largest: Double) {
        let wanted = largest > 0 && largest.isFinite ? largest : 1
        let magnitude = Logarithm.powerOfTen(Int(Logarithm.decimal(wanted).rounded(.down)))
        let step = [0.2, 0.25, 0.5, 1, 2, 2.5].map { $0 * magnitude }.first { wanted / $0 <= 5 } ?? magnitude
        let count = Int((wanted / step).rounded(.up))
        isLogarithmic = false
        lower = 0
        ticks = (0...max(1, count)).map { Double($0) * step }
        upper = ticks.last ?? step
    }

    /// Whole powers of ten around the values, which must be positive.
    init(decadesAround smallest: Double, _ largest: Double) {
        let first = Int(Logarithm.decimal(smallest).rounded(.down))
        let last = max(first + 1, Int(Logarithm.decimal(largest).rounded(.up)))
        isLogarithmic = true
        ticks = (first...last).map(Logarithm.powerOfTen)
        lower = Logarithm.powerOfTen(first)
        upper = Logarithm.powerOfTen(last)
    }

    /// The place of a value: 0 at the lower end, 1 at the upper one.
    func place(of value: Double) -> Double {
        let part =
            isLogarithmic
            ? Logarithm.decimal(value / lower) / Logarithm.decimal(upper / lower)
            : (value - lower) / (upper - lower)
        return min(1, max(0, part))
    }
}
