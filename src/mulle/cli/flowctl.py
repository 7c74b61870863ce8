"""`flowctl`: project folders. They are not built yet, and this says so instead of pretending."""

import sys

from mulle.cli.printing import complain


def main() -> None:
    """Leave with exit code 2 and a word about what exists."""
    hint = "`mulle --help` lists what works today; ARCHITECTURE.md says what is not done."
    error = {
        "code": "setup.not_built",
        "message": "Project folders do not exist yet.",
        "where": "flowctl",
        "hint": hint,
    }
    complain(error, as_json="--json" in sys.argv)
    sys.exit(2)
