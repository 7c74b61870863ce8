-- What ended runs add up to. All of it can be counted again from the journals that are still there.

-- How far the ended runs were read.
CREATE TABLE position (
    cursor TEXT NOT NULL
);
INSERT INTO position VALUES ('');

-- A row a day, workflow, graph and node; the run itself is the node ''.
CREATE TABLE tallies (
    day TEXT NOT NULL,
    workflow TEXT NOT NULL,
    graph TEXT NOT NULL,
    node TEXT NOT NULL,
    type TEXT NOT NULL,
    successes INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    stopped INTEGER NOT NULL,
    retries INTEGER NOT NULL,
    total INTEGER NOT NULL,                 -- microseconds
    squares TEXT NOT NULL,                  -- a whole number, however large
    low INTEGER,
    high INTEGER,
    buckets BLOB NOT NULL,                  -- the sketch, as MessagePack
    PRIMARY KEY (day, workflow, graph, node)
) WITHOUT ROWID;

CREATE TABLE causes (
    day TEXT NOT NULL,
    workflow TEXT NOT NULL,
    graph TEXT NOT NULL,
    node TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    type TEXT NOT NULL,
    error TEXT NOT NULL,
    message TEXT NOT NULL,
    count INTEGER NOT NULL,
    retried INTEGER NOT NULL,
    first REAL NOT NULL,
    last REAL NOT NULL,
    run TEXT NOT NULL,
    PRIMARY KEY (day, workflow, graph, node, fingerprint)
) WITHOUT ROWID;

CREATE TABLE tokens (
    day TEXT NOT NULL,
    workflow TEXT NOT NULL,
    graph TEXT NOT NULL,
    node TEXT NOT NULL,
    model TEXT NOT NULL,
    type TEXT NOT NULL,
    calls INTEGER NOT NULL,
    input INTEGER NOT NULL,
    output INTEGER NOT NULL,
    PRIMARY KEY (day, workflow, graph, node, model)
) WITHOUT ROWID;

-- The runs of the last weeks one by one, for windows that begin at any instant.
CREATE TABLE ended (
    run TEXT NOT NULL PRIMARY KEY,
    workflow TEXT NOT NULL,
    status TEXT NOT NULL,
    detail TEXT NOT NULL,
    created REAL NOT NULL,
    ended REAL NOT NULL,
    tokens INTEGER NOT NULL,
    cost INTEGER NOT NULL,                  -- millionths of a dollar, by the prices of then
    empty INTEGER NOT NULL,
    unread TEXT NOT NULL                    -- why its facts could not be read
) WITHOUT ROWID;
CREATE INDEX ended_when ON ended (ended);
CREATE INDEX ended_workflow ON ended (workflow, ended);
