"""Where things are kept: one database in the home, and who in it is alive."""
