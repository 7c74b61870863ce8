-- The documents of a cluster: every save is a version, and the newest one counts.
CREATE TABLE workflows (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    name text NOT NULL,
    version integer NOT NULL,
    created double precision NOT NULL,
    updated double precision NOT NULL,
    enabled boolean NOT NULL DEFAULT true
);

CREATE TABLE workflow_versions (
    workflow text COLLATE "C" NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    version integer NOT NULL,
    document text NOT NULL,
    saved double precision NOT NULL,
    PRIMARY KEY (workflow, version)
);

-- How far each schedule was looked at, and what became of each due time.
CREATE TABLE schedules (
    workflow text COLLATE "C" NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    trigger_key text COLLATE "C" NOT NULL,
    looked_until double precision NOT NULL,
    PRIMARY KEY (workflow, trigger_key)
);

CREATE TABLE firings (
    workflow text COLLATE "C" NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    trigger_key text COLLATE "C" NOT NULL,
    due double precision NOT NULL,
    outcome text NOT NULL,
    run text,
    noted double precision NOT NULL,
    PRIMARY KEY (workflow, trigger_key, due)
);

CREATE INDEX firings_due ON firings (due DESC);
