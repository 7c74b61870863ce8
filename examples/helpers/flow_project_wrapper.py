"""The import path of older scripts: `from helpers.flow_project_wrapper import fp, switch_project, list_projects`."""

from mulle.projects import fp, list_projects, load_project, new_project, switch_project

__all__ = ["fp", "list_projects", "load_project", "new_project", "switch_project"]
