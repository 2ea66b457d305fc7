// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The two functions of the C library that means and scales need.
enum Logarithm {
    static func natural(_ value: Double) -> Double { log(value) }
    static func exponential(_ value: Double) -> Double { exp(value) }
    static func decimal(_ value: Double) -> Double { log10(value) }
    static func powerOfTen(_ exponent: Int) -> Double { pow(10, Double(exponent)) }
}
