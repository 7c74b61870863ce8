"""Answer the tasks of `llm` steps: with a model, or honestly without one."""
