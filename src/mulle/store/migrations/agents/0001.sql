-- Records of mulle.agents that people make by hand: snapshots, logs of executions, times of agents.
CREATE TABLE agent_records (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    record TEXT NOT NULL,
    UNIQUE (kind, id)
);
