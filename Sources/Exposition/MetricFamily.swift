// SPDX-License-Identifier: Apache-2.0

/// Everything measured under one name: what it is, and a number for each set of labels.
///
/// Names, units and labels follow <https://prometheus.io/docs/practices/naming/>: base units, one unit a name, `_total` for
/// what only grows, and no label whose values have no bound.
package struct MetricFamily: Sendable {
    package enum Kind: String, Sendable {
        /// What only grows while the process lives.
        case counter
        case gauge
        case histogram
    }

    /// A number and what tells it from others of the family.
    package struct Sample: Sendable {
        /// Added to the family's name, for the parts of a histogram.
        let suffix: String
        let labels: [(name: String, value: String)]
        let value: Double
    }

    package let name: String
    package let kind: Kind
    /// What is counted or measured, for people: a phrase without a full stop.
    package let help: String
    package private(set) var samples: [Sample] = []

    private init(_ name: String, _ kind: Kind, _ help: String) {
        self.name = name
        self.kind = kind
        self.help = help
    }

    /// What goes up and down; there is no sample where `value` is `nil`.
    package static func gauge(_ name: String, _ help: String, _ value: Double?) -> MetricFamily {
        MetricFamily(name, .gauge, help).adding([], value)
    }

    /// What goes up and down, one number for each value of a label.
    package static func gauge(
        _ name: String, _ help: String, by label: String, _ values: some Sequence<(String, Double)>
    ) -> MetricFamily {
        values.reduce(into: MetricFamily(name, .gauge, help)) { family, entry in
            family = family.adding([(label, entry.0)], entry.1)
        }
    }

    /// What goes up and down, one number for each pair of values of two labels.
    package static func gauge(
        _ name: String, _ help: String, by labels: (String, String), _ values: some Sequence<(String, String, Double)>
    ) -> MetricFamily {
        values.reduce(into: MetricFamily(name, .gauge, help)) { family, entry in
            family = family.adding([(labels.0, entry.0), (labels.1, entry.1)], entry.2)
        }
    }

    /// What only grows; there is no sample where `value` is `nil`.
    package static func counter(_ name: String, _ help: String, _ value: Double?) -> MetricFamily {
        MetricFamily(name, .counter, help).adding([], value)
    }

    /// What only grows, one number for each value of a label.
    package static func counter(
        _ name: String, _ help: String, by label: String, _ values: some Sequence<(String, Double)>
    ) -> MetricFamily {
        values.reduce(into: MetricFamily(name, .counter, help)) { family, entry in
            family = family.adding([(label, entry.0)], entry.1)
        }
    }

    /// How long things took, one histogram for each value of a label.
    package static func histogram(
        _ name: String, _ help: String, by label: String, _ values: some Sequence<(String, Histogram)>
    ) -> MetricFamily {
        values.reduce(into: MetricFamily(name, .histogram, help)) { family, entry in
            let (own, histogram) = ([(name: label, value: entry.0)], entry.1)
            var count: UInt64 = 0
            for (bound, more) in zip(histogram.bounds, histogram.counts) {
                count &+= more
                family = family.adding(own + [("le", "\(bound)")], Double(count), "_bucket")
            }
            family = family.adding(own + [("le", "+Inf")], Double(histogram.count), "_bucket")
            family = family.adding(own, histogram.sum, "_sum").adding(own, Double(histogram.count), "_count")
        }
    }

    private consuming func adding(
        _ labels: [(name: String, value: String)], _ value: Double?, _ suffix: String = ""
    ) -> MetricFamily {
        if let value { samples.append(Sample(suffix: suffix, labels: labels, value: value)) }
        return self
    }
}
