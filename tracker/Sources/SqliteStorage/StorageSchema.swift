// SPDX-License-Identifier: Apache-2.0

import GRDB

/// The database's layout as numbered steps. A step that has been released is never edited; changes are new steps.
enum StorageSchema {
    private static let steps: [(name: String, sql: String)] = [
        ("1 masters", masters), ("2 signed", signed), ("3 operators", operators), ("4 hosts", hosts),
        ("5 rollouts", rollouts), ("6 audit", audit), ("7 requests", requests), ("8 epochs", epochs),
        ("9 unfinished", unfinished), ("10 audit base", auditBase), ("11 drained and pinned", drainedAndPinned),
    ]

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        for step in steps {
            migrator.registerMigration(step.name) { try $0.execute(sql: step.sql) }
        }
        return migrator
    }

    // The torrent stands last, so that reading the other columns never touches its pages.
    private static let masters = """
        CREATE TABLE master (
            name TEXT NOT NULL,
            version INTEGER NOT NULL CHECK (version > 0),
            label TEXT,
            size INTEGER NOT NULL CHECK (size > 0),
            infoHashV1 TEXT,
            infoHashV2 TEXT,
            published TEXT NOT NULL,
            torrent BLOB NOT NULL,
            PRIMARY KEY (name, version)
        ) STRICT
        """

    private static let signed = """
        CREATE TABLE statement (
            name TEXT NOT NULL,
            version INTEGER NOT NULL,
            envelope BLOB NOT NULL,
            PRIMARY KEY (name, version),
            FOREIGN KEY (name, version) REFERENCES master (name, version)
        ) STRICT;
        CREATE TABLE pointer (
            name TEXT NOT NULL PRIMARY KEY,
            envelope BLOB NOT NULL
        ) STRICT
        """

    private static let operators = """
        CREATE TABLE operatorToken (
            id TEXT NOT NULL PRIMARY KEY,
            digest BLOB NOT NULL,
            name TEXT NOT NULL,
            roles TEXT NOT NULL,
            scopes TEXT NOT NULL,
            isOneTime INTEGER NOT NULL,
            creator TEXT NOT NULL,
            created INTEGER NOT NULL,
            expires INTEGER NOT NULL,
            revoked INTEGER
        ) STRICT
        """

    private static let hosts = """
        CREATE TABLE enrolmentToken (
            id TEXT NOT NULL PRIMARY KEY,
            digest BLOB NOT NULL UNIQUE,
            pattern TEXT NOT NULL,
            labels TEXT NOT NULL,
            creator TEXT NOT NULL,
            created INTEGER NOT NULL,
            expires INTEGER NOT NULL,
            usedBy TEXT,
            usedAt INTEGER
        ) STRICT;
        CREATE TABLE host (
            name TEXT NOT NULL PRIMARY KEY,
            labels TEXT NOT NULL,
            enrolled INTEGER NOT NULL,
            revoked INTEGER,
            lastHeard INTEGER,
            revision INTEGER NOT NULL,
            facts BLOB NOT NULL
        ) STRICT;
        CREATE TABLE certificate (
            serial TEXT NOT NULL PRIMARY KEY,
            host TEXT NOT NULL REFERENCES host (name),
            issued INTEGER NOT NULL,
            expires INTEGER NOT NULL,
            revoked INTEGER
        ) STRICT;
        CREATE INDEX certificateOfHost ON certificate (host);
        CREATE INDEX revokedCertificate ON certificate (serial) WHERE revoked IS NOT NULL
        """

    private static let drainedAndPinned = """
        ALTER TABLE host ADD COLUMN isDrained INTEGER NOT NULL DEFAULT FALSE;
        ALTER TABLE host ADD COLUMN pinnedLines TEXT NOT NULL DEFAULT '[]'
        """

    private static let rollouts = """
        CREATE TABLE rollout (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            sequence INTEGER NOT NULL,
            isOpen INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX openRollout ON rollout (number) WHERE isOpen;
        CREATE TABLE rolloutEvent (
            rollout INTEGER NOT NULL REFERENCES rollout (number),
            sequence INTEGER NOT NULL,
            bytes BLOB NOT NULL,
            PRIMARY KEY (rollout, sequence)
        ) STRICT;
        CREATE TABLE attachment (
            rollout INTEGER NOT NULL REFERENCES rollout (number),
            name TEXT NOT NULL,
            bytes BLOB NOT NULL,
            PRIMARY KEY (rollout, name)
        ) STRICT;
        CREATE TABLE counter (
            name TEXT NOT NULL PRIMARY KEY,
            value INTEGER NOT NULL
        ) STRICT;
        INSERT INTO counter (name, value) VALUES ('order', 0)
        """

    private static let audit = """
        CREATE TABLE audit (
            number INTEGER PRIMARY KEY,
            line TEXT NOT NULL
        ) STRICT;
        CREATE TRIGGER auditIsNotChanged BEFORE UPDATE ON audit
            BEGIN SELECT RAISE (ABORT, 'the audit trail is only added to'); END;
        CREATE TRIGGER auditIsNotRemoved BEFORE DELETE ON audit
            BEGIN SELECT RAISE (ABORT, 'the audit trail is only added to'); END
        """

    // Only what the base vouches for may be removed.
    private static let auditBase = """
        CREATE TABLE auditBase (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            number INTEGER NOT NULL,
            head TEXT NOT NULL
        ) STRICT;
        DROP TRIGGER auditIsNotRemoved;
        CREATE TRIGGER auditIsNotRemoved BEFORE DELETE ON audit
            WHEN OLD.number > coalesce((SELECT number FROM auditBase), 0)
            BEGIN SELECT RAISE (ABORT, 'the audit trail is only added to'); END
        """

    private static let unfinished = """
        CREATE TABLE unfinished (
            note INTEGER PRIMARY KEY AUTOINCREMENT,
            record TEXT NOT NULL
        ) STRICT
        """

    private static let requests = """
        CREATE TABLE request (
            requester TEXT NOT NULL,
            key TEXT NOT NULL,
            digest BLOB NOT NULL,
            expires INTEGER NOT NULL,
            answer BLOB,
            PRIMARY KEY (requester, key)
        ) STRICT;
        CREATE INDEX requestByExpiry ON request (expires)
        """

    // Every database has an epoch from its first moment, and never the one of another database.
    private static let epochs = """
        CREATE TABLE epoch (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL,
            begun INTEGER NOT NULL
        ) STRICT;
        INSERT INTO epoch (number, id, begun)
            VALUES (1, lower(hex(randomblob(16))), CAST(strftime('%s', 'now') AS INTEGER));
        CREATE TABLE place (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            file TEXT NOT NULL
        ) STRICT
        """
}
