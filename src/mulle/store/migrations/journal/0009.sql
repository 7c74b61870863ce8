-- Steps of a type of which only so many may be at work at a time, in the order of asking. Those of the dead count for nothing.

CREATE TABLE at_work (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    owner TEXT NOT NULL,                    -- the process whose step it is
    holder TEXT NOT NULL,                   -- one try of one step
    UNIQUE (owner, holder)
);

CREATE INDEX at_work_kind ON at_work (kind, number);
