// SPDX-License-Identifier: Apache-2.0

/// A part of a list, which one goes through by asking again after ``next``. What is added or removed meanwhile may or may
/// not be seen; what was there all the time is seen exactly once.
package struct Page<Element: Sendable, Cursor: Sendable>: Sendable {
    package let elements: [Element]
    /// Where to go on; `nil` at the end of the list.
    package let next: Cursor?

    package init(_ elements: [Element], next: Cursor?) {
        self.elements = elements
        self.next = next
    }
}

extension Page: Equatable where Element: Equatable, Cursor: Equatable {}
