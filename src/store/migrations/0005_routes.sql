-- Changes of routes, kept with who, when and why; the newest one of each selector counts. `which` is NULL for what is about all
-- routes, and the stage is NULL where a turn takes its selector's own setting away.
CREATE TABLE route_turns (
    number     INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    actor      TEXT NOT NULL,
    why        TEXT NOT NULL,
    kind       TEXT NOT NULL,
    which      TEXT,
    stage      TEXT,
    share      INTEGER,
    master     TEXT,
    master_job TEXT,
    before     INTEGER
) STRICT;

CREATE INDEX route_turns_by_which ON route_turns (which, number);
