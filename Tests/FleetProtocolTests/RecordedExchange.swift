// SPDX-License-Identifier: Apache-2.0

/// What programs of version 1 of the fleet's protocol sent, byte for byte. It is never edited: programs that are in use
/// must be understood for as long as `FleetVersion.least` says so.
enum RecordedExchange {
    static let orders = """
        {"contactSeconds":60,"orders":[{"clearsDenial":false,"infoHash":"00ff","master":"debian@7","previous":6,\
        "probe":true,"stageRatePercent":30,"stamp":{"epoch":"1-5f2a","order":412,"rollout":9},"step":"activate"}],\
        "tag":"412","version":{"least":1,"written":1}}
        """
    static let notice = """
        {"facts":{"busy":false,"capacityBytes":214748364800,"freeBytes":107374182400,"healthy":true,\
        "labels":{"rack":"r1","role":"compute"},"lines":[{"active":6,"clones":[{"count":12,"version":5},\
        {"count":3,"running":2,"version":6}],"denied":[4],"held":[5,6,7],"name":"debian","pinned":false}],\
        "linkRate":125000000,"program":"0.4.0"},"reports":[{"bytes":5368709120,"master":"debian@7",\
        "stamp":{"epoch":"1-5f2a","order":412,"rollout":9},"state":"staging"},{"code":"probe-failed","log":"probe-17",\
        "master":"alpine@3","stamp":{"epoch":"1-5f2a","order":400,"rollout":8},"state":"probe-failed"}],\
        "version":{"least":1,"written":1}}
        """
    static let request = """
        {"approval":true,"autoPromote":false,"canaries":"2","clearDenials":false,"master":"debian@7","onError":"rollback",\
        "probing":"canaries","reason":"kernel fix","selector":"rack=r1|r2,role!=database","slots":20,\
        "version":{"least":1,"written":1},"waves":"10,50,200x"}
        """
    static let command = """
        {"command":"retry","host":"h001","reason":"disk replaced","version":{"least":1,"written":1}}
        """
    static let plan = """
        {"aside":[{"bytesToMove":0,"code":"offline","name":"h009"}],"bytesToMove":10737418240,"master":"debian@7",\
        "prediction":{"earliest":1200,"latest":5400,"staging":358},"problems":[],"selector":"all",\
        "version":{"least":1,"written":1},"waves":[[{"active":6,"bytesToMove":10737418240,"name":"h001"}]]}
        """
    static let status = """
        {"blocked":{"no-space":1},"clones":{"5":12,"6":3},"failures":{"probe-failed":1},"hosts":{"failed":1,"staged":8},\
        "master":"debian@7","nextBy":"2026-01-31T12:05:00Z","pause":{"by":"the tracker","code":"error-threshold",\
        "explanation":"1 of 1 hosts of the canaries failed","since":"2026-01-31T12:00:00Z"},"phase":"canary","rollout":9,\
        "selector":"all","sequence":57,"since":"2026-01-31T11:50:00Z","version":{"least":1,"written":1},"wave":0,\
        "waves":[{"hosts":{"failed":1},"number":0,"state":"failed"}]}
        """
    static let list = """
        {"next":"8","rollouts":[{"master":"debian@7","pause":"error-threshold","phase":"canary","rollout":9,\
        "selector":"all","since":"2026-01-31T11:50:00Z"}],"version":{"least":1,"written":1}}
        """
    static let why = """
        {"attempt":1,"code":"probe-failed","explanation":"It failed while probing.","holders":["h002"],"host":"h001",\
        "log":"probe-17","rollout":9,"since":"2026-01-31T12:00:00Z","state":"failed",\
        "version":{"least":1,"written":1},"wave":0}
        """
    static let problem = """
        {"code":"wrong-phase","detail":"A rollout that is planned cannot pause.","status":409}
        """
}
