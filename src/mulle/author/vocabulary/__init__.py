"""What people say for what a workflow can do, as data: one YAML file a kind of word."""
