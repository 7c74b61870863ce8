-- Runs, their facts, their graphs, their inboxes, and the workers that drive them.

CREATE TABLE workers (
    id text COLLATE "C" NOT NULL PRIMARY KEY,   -- never used again
    name text NOT NULL,                         -- host and process, for people
    lease_until timestamptz NOT NULL,           -- by the clock of this server
    beat timestamptz NOT NULL,                  -- when it last renewed the lease
    session integer,                            -- the process of this server that serves its heartbeat; null: unknown
    session_began timestamptz,
    dead boolean NOT NULL DEFAULT false         -- its lease ran out and somebody said so: it cannot be renewed any more
) WITH (fillfactor = 20);

CREATE TABLE runs (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY, -- the order of creation
    workflow text NOT NULL,
    graph text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    detail text NOT NULL DEFAULT '',
    created double precision NOT NULL,
    ended double precision,
    head bigint NOT NULL,                       -- how many facts the journal holds
    epoch bigint NOT NULL,                      -- raised by every claim: fences former owners out
    owner text COLLATE "C" REFERENCES workers,  -- null: nobody drives it; always null after the end
    wake_at double precision,                   -- only of runs without an owner and without an end
    woken integer NOT NULL DEFAULT 0,           -- how many signals wait in the inbox; always 0 after the end
    deaths integer NOT NULL DEFAULT 0,
    parent text COLLATE "C",
    forked boolean NOT NULL DEFAULT false,      -- true: parent is the run it was forked from
    session text,
    pinned boolean NOT NULL DEFAULT false,      -- a person keeps it for ever
    dedup text COLLATE "C",
    in_queues boolean NOT NULL DEFAULT false,   -- it needs a place in each of its queues to be at work
    debounce text COLLATE "C",                  -- only until it begins
    debounced_since double precision,
    ending bigint                               -- the transaction that ended it: in which order runs ended
) WITH (fillfactor = 60);                       -- A batch changes no indexed column: its row stays on its page.

CREATE UNIQUE INDEX runs_dedup ON runs (dedup) WHERE dedup IS NOT NULL;
CREATE INDEX runs_created ON runs (created, number);
CREATE INDEX runs_status ON runs (status, created);
CREATE INDEX runs_workflow ON runs (left(workflow, 100), created);
CREATE INDEX runs_graph ON runs (graph);
CREATE INDEX runs_debounce ON runs (debounce) WHERE debounce IS NOT NULL;
CREATE INDEX runs_owner ON runs (owner) WHERE owner IS NOT NULL;
CREATE INDEX runs_due ON runs (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX runs_ending ON runs (ending, number) WHERE ending IS NOT NULL;
CREATE INDEX runs_woken ON runs (owner) WHERE woken > 0;

-- One row a batch.
CREATE TABLE facts (
    run text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,                        -- the position of the batch's first fact
    data text NOT NULL,                         -- a JSON array of facts
    PRIMARY KEY (run, seq)
);

CREATE TABLE graphs (
    hash text COLLATE "C" NOT NULL PRIMARY KEY,
    document bytea NOT NULL
);

-- A signal stays known by its id after a fact has taken it in.
CREATE TABLE inbox (
    number bigint GENERATED ALWAYS AS IDENTITY, -- the order of arrival
    run text COLLATE "C" NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    key text COLLATE "C" NOT NULL,              -- the id, or what stands for one that is too long for an index
    id text NOT NULL,
    name text NOT NULL,
    payload text,                               -- JSON; null once it is consumed
    consumed boolean NOT NULL DEFAULT false,
    PRIMARY KEY (run, key)
);

CREATE INDEX inbox_waiting ON inbox (run) WHERE NOT consumed;

-- What long runs' facts come to. Only a cache: any of it may be deleted.
CREATE TABLE snapshots (
    run text COLLATE "C" NOT NULL PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    data bytea NOT NULL
);

-- Queues, of which only so many runs are at work at a time.
CREATE TABLE queues (
    run text COLLATE "C" NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    queue text COLLATE "C" NOT NULL,
    most integer NOT NULL,                      -- how many runs of the queue may be at work, as this run sees it
    state smallint NOT NULL,                    -- 0: away, it waits for a time or a signal; 1: at work; 2: queued
    priority integer NOT NULL,
    number bigint NOT NULL,                     -- the order of creation
    PRIMARY KEY (run, queue)
);

CREATE INDEX queues_order ON queues (queue, state, priority DESC, number);

-- Allowances that steps share, such as an API's limit: who may use one when.
CREATE TABLE allowances (
    name text COLLATE "C" NOT NULL,
    number bigint NOT NULL,                     -- the order of asking
    holder text COLLATE "C" NOT NULL,           -- one try of one step
    at double precision NOT NULL,
    PRIMARY KEY (name, number),
    UNIQUE (name, holder)
);

-- Big values, each once by the hash of its content, and which runs refer to them.
CREATE TABLE blobs (
    hash text COLLATE "C" NOT NULL PRIMARY KEY,
    size bigint NOT NULL                        -- bytes of JSON
);

CREATE TABLE blob_parts (
    hash text COLLATE "C" NOT NULL REFERENCES blobs ON DELETE CASCADE,
    part integer NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (hash, part)
);

CREATE TABLE blob_uses (
    run text COLLATE "C" NOT NULL REFERENCES runs (id),
    hash text COLLATE "C" NOT NULL REFERENCES blobs,
    PRIMARY KEY (run, hash)
);

CREATE INDEX blob_uses_hash ON blob_uses (hash);
CREATE INDEX runs_parent ON runs (parent) WHERE parent IS NOT NULL;
CREATE INDEX runs_old ON runs (ended) WHERE ended IS NOT NULL AND NOT pinned;
