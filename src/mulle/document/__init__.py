"""What a person owns: nodes with typed ports, edges, variables and triggers, as plain data. No I/O."""
