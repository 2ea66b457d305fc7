# SPDX-License-Identifier: Apache-2.0
"""libtorrent as a program: libtorrent_client.py TORRENT FOLDER ADDRESS:PORT

Checks what the folder holds, fetches what is missing, serves, and makes the file “complete” there once it has all.
"""

import signal
import sys
from pathlib import Path

import libtorrent as lt


def main(torrent: str, folder: str, listen: str) -> None:
    # Everything is as it comes, but for what asks the world outside.
    session = lt.session({
        "listen_interfaces": listen, "enable_dht": False, "enable_upnp": False, "enable_natpmp": False,
        "alert_mask": lt.alert.category_t.error_notification | lt.alert.category_t.status_notification
        | lt.alert.category_t.peer_notification | lt.alert.category_t.tracker_notification})
    parameters = lt.add_torrent_params()
    parameters.ti = lt.torrent_info(torrent)
    parameters.save_path = folder
    parameters.flags &= ~(lt.torrent_flags.paused | lt.torrent_flags.auto_managed)
    handle = session.add_torrent(parameters)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        session.wait_for_alert(200)
        for alert in session.pop_alerts():
            print(alert.message(), flush=True)
        if handle.status().is_seeding:
            (Path(folder) / "complete").touch()


if __name__ == "__main__":
    main(*sys.argv[1:4])
