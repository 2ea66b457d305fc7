// SPDX-License-Identifier: Apache-2.0

import GRDB

/// The catalogue's layout as numbered steps. A step that has been released is never edited; changes are new steps.
enum CatalogueSchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 masters") { database in
            // The torrent stands last, so that reading the other columns never touches its pages.
            try database.execute(
                sql: """
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
                    """)
        }
        migrator.registerMigration("2 signed") { database in
            try database.execute(
                sql: """
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
                    """)
        }
        return migrator
    }
}
