-- Rows are changed by compare-and-set on a version that counts up (pools-P3). What is there was written at least once.
ALTER TABLE builds ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE nodes ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE leases ADD COLUMN version INTEGER NOT NULL DEFAULT 1;

-- What happened to builds, nodes and leases (pools-P4), in the order of the commits.
CREATE TABLE events (
    number  INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    object  TEXT NOT NULL,
    -- NULL: it came to be.
    "from"  TEXT,
    "to"    TEXT NOT NULL,
    cause   TEXT NOT NULL,
    actor   TEXT NOT NULL
) STRICT;

CREATE INDEX events_by_object ON events (object);
