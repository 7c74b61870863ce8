"""What starts a run: times (`schedule`, and `phrases` for people's words), and later webhooks and events."""
