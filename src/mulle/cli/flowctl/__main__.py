"""`python -m mulle.cli.flowctl`."""

from mulle.cli.flowctl import main

main()
