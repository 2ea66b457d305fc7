// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Blocks this thread for a moment, where a condition outside of the process is polled.
func wait(milliseconds: Int32) { poll(nil, 0, milliseconds) }
