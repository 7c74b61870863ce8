"""What steps may use of the world: each service its own module, none knows nodes, runs or the store."""
