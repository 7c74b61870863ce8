"""A workflow drawn for a terminal: nodes in the order in which they run, edges as arrows, branches by name."""

from collections.abc import Mapping, Sequence

from mulle.document.workflow import NodeSpec, Workflow


def drawn(workflow: Workflow) -> list[str]:
    """The lines of the drawing, one level of the graph after the other."""
    levels = _levels(workflow)
    lines: list[str] = []
    for number, level in enumerate(levels):
        if number:
            lines.append("       │")
            lines.append("       ▼")
        lines += ["  " + "   ".join(_box(node, workflow) for node in level)]
    return lines


def _levels(workflow: Workflow) -> Sequence[Sequence[NodeSpec]]:
    """Nodes by how many edges lie before them at most."""
    nodes: Mapping[str, NodeSpec] = {node.id: node for node in workflow.nodes}
    depth = dict.fromkeys(nodes, 0)
    for _ in nodes:
        for edge in workflow.edges:
            if edge.source in depth and edge.target in depth:
                depth[edge.target] = max(depth[edge.target], min(depth[edge.source] + 1, len(nodes)))
    return [[node for node in workflow.nodes if depth[node.id] == level] for level in sorted(set(depth.values()))]


def _box(node: NodeSpec, workflow: Workflow) -> str:
    gates = [edge.source_port for edge in workflow.edges if edge.target == node.id and edge.target_port is None]
    branch = next((port for port in gates if port), None)
    name = f"{node.id} · {node.type}" if node.id != node.type else node.id
    return f"[ {name} ]" + (f" ({branch})" if branch else "")
