-- The documents of a home: every save is a version, and the newest one counts.
CREATE TABLE workflows (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    created REAL NOT NULL,
    updated REAL NOT NULL,
    enabled INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX workflows_name ON workflows (name);
CREATE TABLE workflow_versions (
    workflow TEXT NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    document TEXT NOT NULL,
    saved REAL NOT NULL,
    PRIMARY KEY (workflow, version)
) WITHOUT ROWID;
-- How far each schedule was looked at, and what became of each due time.
CREATE TABLE schedules (
    workflow TEXT NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    trigger_key TEXT NOT NULL,
    looked_until REAL NOT NULL,
    PRIMARY KEY (workflow, trigger_key)
) WITHOUT ROWID;
CREATE TABLE firings (
    workflow TEXT NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    trigger_key TEXT NOT NULL,
    due REAL NOT NULL,
    outcome TEXT NOT NULL,
    run TEXT,
    noted REAL NOT NULL,
    PRIMARY KEY (workflow, trigger_key, due)
) WITHOUT ROWID;
CREATE INDEX firings_due ON firings (due DESC);
