"""What runs in the sandbox's own processes, under `python -I -S`: knows nothing of the rest of Mulle."""

PID_PLACE = 0x4D55_4C4C
"""Stands in the seccomp filter wherever the process's own id belongs, which nobody knows when the filter is made."""
