"""The built-in node types, one file each. They come in as any plugin does: by the entry-point group `mulle.nodes`."""
