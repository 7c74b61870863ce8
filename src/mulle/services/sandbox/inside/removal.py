"""Remove what a hostile program left behind. Also used by Mulle itself, for what a killed zygote left."""

import os


def remove(folder: str) -> None:
    """Remove a folder and all in it, however deep, whatever its modes; links are not followed.

    Whoever is dying in it may still make a file, so it is tried some times; what cannot be removed stays.
    """
    tries = 20
    while os.path.lexists(folder) and (tries := tries - 1):
        try:
            _empty(folder)
            os.rmdir(folder)
        except OSError:
            continue


def _empty(folder: str) -> None:
    """The inner folders of each folder are lifted to the top first, so no path grows long and nothing recurses."""
    lifted, token = 0, os.urandom(8).hex()  # A name that nobody can have taken.
    while entries := list(os.scandir(folder)):
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.path)
                continue
            os.chmod(entry.path, 0o700)
            for inner in list(os.scandir(entry.path)):
                lifted += 1
                if inner.is_dir(follow_symlinks=False):
                    os.chmod(inner.path, 0o700)  # A folder without write permission cannot be moved.
                os.rename(inner.path, f"{folder}/{token}-{lifted}")
            os.rmdir(entry.path)
