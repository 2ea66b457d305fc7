// SPDX-License-Identifier: Apache-2.0

/// Builds an HTTP query.
struct QueryWriter {
    private(set) var query = ""

    /// Appends a parameter whose name needs no escaping; every byte of the value outside the unreserved set of
    /// RFC 3986 is escaped.
    mutating func append(_ name: String, _ value: some Sequence<UInt8>) {
        if !query.isEmpty { query += "&" }
        query += name + "=" + PercentEncoding.encode(value)
    }

    mutating func append(_ name: String, _ value: some BinaryInteger) {
        append(name, String(value).utf8)
    }
}
