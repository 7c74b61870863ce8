"""Dify's DSL exports as Mulle documents.

    reading      hostile YAML becomes a `DifyApp`
    scopes       what stands in which iteration or loop, what can be reached, what surely ran before what
    references   selectors and `{{#node.field#}}` become our references
    flow, texts, data, containers, outside       one group of node types each
    assemble     the pieces become one document

Mulle's own node types get what Dify says; what there is none for becomes a `dify.…` step, which only runs pinned.

Imports nothing by itself: every program that looks for node types comes through here.
"""
