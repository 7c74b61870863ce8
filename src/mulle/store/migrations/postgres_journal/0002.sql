-- Steps of a type of which only so many may be at work at a time, in the order of asking. Those of the dead count for nothing.

CREATE TABLE at_work (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text COLLATE "C" NOT NULL,
    owner text COLLATE "C" NOT NULL REFERENCES workers ON DELETE CASCADE,
    holder text COLLATE "C" NOT NULL,       -- one try of one step
    UNIQUE (owner, holder)
);

CREATE INDEX at_work_kind ON at_work (kind, number);
