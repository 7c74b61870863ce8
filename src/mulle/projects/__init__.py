"""Project folders: tasks with dependencies, their history, caches and a memory, safe for many programs at once."""

from mulle.projects.caches import CacheStore, JSONCache, MarkdownCache
from mulle.projects.current import fp, list_projects, load_project, new_project, switch_project
from mulle.projects.memory import MemoryContext
from mulle.projects.project import FlowProject

__all__ = [
    "CacheStore",
    "FlowProject",
    "JSONCache",
    "MarkdownCache",
    "MemoryContext",
    "fp",
    "list_projects",
    "load_project",
    "new_project",
    "switch_project",
]
