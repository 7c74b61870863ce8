"""`python -m mulle.cli` is `mulle`."""

from mulle.cli import main

main()
