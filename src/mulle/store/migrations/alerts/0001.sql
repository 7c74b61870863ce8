-- Rules that the operator set, and which of all rules fire. Who changes a state is the one who tells of it.
CREATE TABLE alerts (
    id TEXT NOT NULL PRIMARY KEY,
    rule TEXT NOT NULL,
    workflow TEXT,                          -- null: all runs together
    told_to TEXT,                           -- channel:address; null: where alerts go by default
    again REAL NOT NULL,                    -- seconds after which it is told once more while it fires
    created REAL NOT NULL
);
CREATE TABLE alert_states (
    key TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    firing INTEGER NOT NULL,
    since REAL NOT NULL,
    told REAL NOT NULL,
    detail TEXT NOT NULL
);
