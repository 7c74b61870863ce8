"""From a sentence, Korean or English, to a workflow one can trust. Stores nothing and sends nothing."""
