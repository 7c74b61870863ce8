-- Runs that wait their turn: in queues, of which only so many runs are at work at a time, and for a quiet moment.

CREATE TABLE queues (
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    queue TEXT NOT NULL,
    most INTEGER NOT NULL,                  -- how many runs of the queue may be at work, as this run sees it
    state INTEGER NOT NULL,                 -- 0: away, it waits for a time or a signal; 1: at work; 2: queued
    priority INTEGER NOT NULL,
    number INTEGER NOT NULL,                -- the order of creation
    PRIMARY KEY (run, queue)
) WITHOUT ROWID;

CREATE INDEX queues_order ON queues (queue, state, priority DESC, number);

ALTER TABLE runs ADD COLUMN debounce TEXT;  -- only until it begins
ALTER TABLE runs ADD COLUMN debounced_since REAL;

CREATE INDEX runs_debounce ON runs (debounce) WHERE debounce IS NOT NULL;
