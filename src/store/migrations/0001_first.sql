-- The first form of the store. Times are milliseconds since 1970 (UTC); ids are 18 characters that sort by creation.

CREATE TABLE facts (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE gearman_names (
    name BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- The last number that each job has used: it outlives the builds themselves.
CREATE TABLE job_numbers (
    job  TEXT PRIMARY KEY,
    last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Hundreds of thousands of builds share a few thousand recipes.
CREATE TABLE recipes (
    id     INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    text   TEXT NOT NULL
) STRICT;

CREATE TABLE builds (
    id          TEXT NOT NULL UNIQUE,
    job         TEXT NOT NULL,
    number      INTEGER NOT NULL,
    -- A digest of what the build is for: equal for the tries of one change.
    change      BLOB NOT NULL,
    request     TEXT NOT NULL,
    recipe      INTEGER NOT NULL REFERENCES recipes (id),
    state       TEXT NOT NULL,
    -- What it waits for.
    reason      TEXT,
    result      TEXT,
    cause       TEXT,
    accepted_at INTEGER NOT NULL,
    started_at  INTEGER,
    ended_at    INTEGER,
    lease       TEXT,
    node        TEXT,
    steps       TEXT,
    stop        TEXT,
    description TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE UNIQUE INDEX builds_by_number ON builds (job, number);
CREATE INDEX builds_by_job ON builds (job, id);
CREATE INDEX builds_by_change ON builds (job, change, number);
CREATE INDEX builds_by_recipe ON builds (recipe);
-- What a restart reads: however many builds there were, only the living ones are in this index.
CREATE INDEX builds_unfinished ON builds (id) WHERE state <> 'ended';

CREATE TABLE nodes (
    id          TEXT PRIMARY KEY,
    provider    TEXT NOT NULL,
    label       TEXT NOT NULL,
    recipe_hash TEXT NOT NULL,
    state       TEXT NOT NULL,
    since       INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    lease       TEXT,
    external_id TEXT,
    detail      TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE leases (
    id         TEXT PRIMARY KEY,
    build      TEXT NOT NULL,
    expression TEXT NOT NULL,
    state      TEXT NOT NULL,
    node       TEXT,
    queued_at  INTEGER NOT NULL,
    since      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
