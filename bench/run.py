"""Run every measurement in this folder, one after the other: what `make bench` calls.

python bench/run.py [NAME …]        all of them, or those named
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> int:
    """The number of measurements that failed."""
    named = set(sys.argv[1:])
    scripts = [
        path for path in sorted(HERE.glob("*.py")) if path.name != "run.py" and (not named or path.stem in named)
    ]
    failed = 0
    for script in scripts:
        print(f"\n── {script.stem} ──", flush=True)
        failed += subprocess.run([sys.executable, str(script)], check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
