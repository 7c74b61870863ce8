"""A project from an older script's point of view: run it in this folder with `python projects.py`."""

import tempfile

from helpers.flow_project_wrapper import fp, list_projects, new_project, switch_project

with tempfile.TemporaryDirectory() as root:
    new_project("demo2", root=root)
    new_project("뉴스", root=root)
    fp().add_task({"name": "데이터 수집", "meta": {"owner": "jun", "tags": ["scraping"]}})
    fp().add_task({"name": "요약", "deps": ["T001"]})
    fp().update_task("T001", status="done")
    print(fp().status())
    switch_project("demo2", root=root)  # Saves 뉴스 first.
    print(fp().name, list_projects(root=root))
