// SPDX-License-Identifier: Apache-2.0

import Glibc

extension Fleet {
    /// Prints `port` and its own port, and `done` when the folder holds the whole image. Ends when it is killed.
    private static let script = """
        import json, sys, time, libtorrent as lt
        torrent, folder, peer, limit, tracker, identity = sys.argv[1:7]
        if identity != '-':
            known = json.load(open(identity))
            for name in ('certificate', 'key'):
                open(folder + '/' + name + '.pem', 'w').write(known[name])
        session = lt.session({
            'listen_interfaces': '127.0.0.1:0' if identity == '-' else '127.0.0.1:0s', 'enable_dht': False, 'enable_lsd': False, 'enable_upnp': False,
            'enable_natpmp': False, 'allow_multiple_connections_per_ip': True, 'alert_mask': lt.alert_category.all,
            'out_enc_policy': 2, 'in_enc_policy': 2, 'enable_outgoing_utp': False, 'enable_incoming_utp': False})
        parameters = lt.add_torrent_params()
        parameters.ti = lt.torrent_info(torrent)
        parameters.save_path = folder
        parameters.flags &= ~(lt.torrent_flags.paused | lt.torrent_flags.auto_managed)
        handle = session.add_torrent(parameters)
        if int(limit):
            handle.set_upload_limit(int(limit))
        if tracker != '-':
            handle.add_tracker({'url': tracker})
        port = 0
        seeding = False
        while True:
            for alert in session.pop_alerts():
                print(alert.message(), file=sys.stderr, flush=True)
                if identity != '-' and isinstance(alert, lt.torrent_need_cert_alert):
                    pem = lambda name: folder + '/' + name + '.pem'
                    handle.set_ssl_certificate(pem('certificate'), pem('key'), pem('dh'), '')
            if not port and session.listen_port():
                port = session.listen_port()
                print('port', port, flush=True)
            status = handle.status()
            if peer != '-' and not status.is_seeding and status.num_peers == 0:
                host, number = peer.rsplit(':', 1)
                handle.connect_peer((host, int(number)))
            if status.is_seeding and not seeding:
                seeding = True
                print('done', flush=True)
            time.sleep(0.1)
        """

    /// Starts libtorrent on one torrent. What the folder holds already is checked and served.
    /// - Parameters:
    ///   - peer: an address to connect to, beside those from the tracker.
    ///   - limit: the most it sends, in bytes per second; 0 for no limit.
    ///   - tracker: an announce URL, beside the torrent's own.
    ///   - identity: an enrolled store's identity, for torrents of its fleet; `dh.pem` is in the folder then.
    func libtorrent(
        _ torrent: String, in folder: String, connectingTo peer: String = "-", limit: Int = 0, tracker: String = "-",
        identity: String = "-"
    ) throws -> ChildProcess {
        mkdir(folder, 0o755)
        return try start("/usr/bin/python3", ["-c", Self.script, torrent, folder, peer, "\(limit)", tracker, identity])
    }
}
