"""Domain packs as data: what an API is called by people, how it is asked, and what it answers."""
