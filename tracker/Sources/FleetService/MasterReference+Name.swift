// SPDX-License-Identifier: Apache-2.0

import Metainfo
import RolloutCore

extension MasterReference {
    func name(_ version: Int) -> MasterName? { MasterName(name: line, version: version) }
}
