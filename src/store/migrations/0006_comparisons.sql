-- Verdicts over builds on masters and their shadows on nodes; `id` is the master's build.
CREATE TABLE comparisons (
    id            TEXT PRIMARY KEY,
    job           TEXT NOT NULL,
    number        INTEGER NOT NULL,
    shadow        TEXT,
    shadow_number INTEGER,
    at            INTEGER NOT NULL,
    verdict       TEXT NOT NULL,
    -- A JSON list of sentences.
    why           TEXT NOT NULL,
    -- A JSON list of what the shadow did not do.
    left_out      TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX comparisons_by_job ON comparisons (job, id);
