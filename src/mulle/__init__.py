"""Mulle spins a sentence into a workflow that runs."""
