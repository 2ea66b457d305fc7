// SPDX-License-Identifier: Apache-2.0

/// What pages need beside their markup. It is part of the program, so that nothing is asked of the internet.
package enum ConsoleAssets {
    package static let style = PackageResources.console_css
    package static let script = PackageResources.console_js
}
