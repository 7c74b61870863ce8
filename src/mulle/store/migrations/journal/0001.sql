-- Runs, their facts, their graphs and their inboxes.

CREATE TABLE runs (
    id TEXT NOT NULL PRIMARY KEY,
    workflow TEXT NOT NULL,
    graph TEXT NOT NULL,
    status TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT '',
    created REAL NOT NULL,
    ended REAL,
    head INTEGER NOT NULL,                  -- how many facts the journal holds
    epoch INTEGER NOT NULL,                 -- raised by every claim: fences former owners out
    owner TEXT,                             -- null: nobody drives it; always null after the end
    wake_at REAL,                           -- only of runs without an owner and without an end
    woken INTEGER NOT NULL DEFAULT 0,       -- 1: the inbox holds signals; always 0 after the end
    deaths INTEGER NOT NULL DEFAULT 0,
    parent TEXT,
    session TEXT,
    dedup TEXT
);

CREATE UNIQUE INDEX runs_dedup ON runs (dedup) WHERE dedup IS NOT NULL;
CREATE INDEX runs_created ON runs (created);
CREATE INDEX runs_status ON runs (status, created);
CREATE INDEX runs_workflow ON runs (workflow, created);
CREATE INDEX runs_graph ON runs (graph);
CREATE INDEX runs_owner ON runs (owner) WHERE owner IS NOT NULL;
CREATE INDEX runs_due ON runs (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX runs_woken ON runs (owner) WHERE woken = 1;

-- One row a batch, in the order of writing: commits of many runs then touch few pages.
CREATE TABLE facts (
    run TEXT NOT NULL,
    seq INTEGER NOT NULL,                   -- the position of the batch's first fact
    data TEXT NOT NULL,                     -- a JSON array of facts
    PRIMARY KEY (run, seq)
);

CREATE TABLE graphs (
    hash TEXT NOT NULL PRIMARY KEY,
    document BLOB NOT NULL
);

-- A signal stays known by its id after a fact has taken it in.
CREATE TABLE inbox (
    number INTEGER PRIMARY KEY,             -- the order of arrival
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    payload TEXT,                           -- JSON; null once it is consumed
    consumed INTEGER NOT NULL DEFAULT 0,
    UNIQUE (run, id)
);

CREATE INDEX inbox_waiting ON inbox (run) WHERE consumed = 0;
