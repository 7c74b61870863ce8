from tests.nodes.whole import ran

INNER = """
    nodes:
      - {{id: start, type: start, ports: {{outputs: [{{name: n, type: number}}]}}}}
      - id: inner
        type: subflow
        on_error: {on_error}
        default_outputs: {{tenth: null}}
        data: {{inputs: {{n: "{{{{ start.n }}}}"}}}}
        body:
          nodes:
            - {{id: begin, type: start, ports: {{outputs: [{{name: n, type: number}}]}}}}
            - {{id: divide, type: transform, data: {{value: "{{{{ 10 / begin.n }}}}"}}}}
            - {{id: finish, type: end}}
          edges:
            - {{source: begin, target: divide}}
            - {{source: divide, source_port: value, target: finish, target_port: tenth}}
      - {{id: end, type: end}}
    edges:
      - {{source: start, target: inner}}
      - {{source: inner, source_port: tenth, target: end, target_port: tenth}}
"""


async def test_the_steps_inside_get_the_inputs_and_their_end_is_the_result():
    run = await ran(INNER.format(on_error="fail"), {"n": 4})

    assert run.outputs == {"tenth": 2.5}


async def test_a_failure_inside_is_the_subflows_failure():
    run = await ran(INNER.format(on_error="fail"), {"n": 0})

    assert run.error is not None
    assert run.error["message"].startswith("The steps inside failed at 'divide': ")


async def test_an_input_may_be_called_as_a_node_inside_is():
    run = await ran(
        """
        nodes:
          - id: inner
            type: subflow
            data: {inputs: {half: 10}}
            body:
              nodes:
                - {id: begin, type: start, ports: {outputs: [{name: half, type: number}]}}
                - {id: half, type: transform, data: {value: "{{ begin.half / 2 }}"}}
                - {id: finish, type: end, data: {outputs: {half: "{{ half.value }}"}}}
              edges: [{source: begin, target: half}, {source: half, target: finish}]
          - {id: end, type: end}
        edges: [{source: inner, source_port: half, target: end, target_port: half}]
        """
    )

    assert run.outputs == {"half": 5.0}


async def test_its_own_error_policy_holds_for_all_inside():
    run = await ran(INNER.format(on_error="default"), {"n": 0})

    assert run.status == "succeeded"
    assert run.outputs == {"tenth": None}
