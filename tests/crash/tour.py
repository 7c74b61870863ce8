"""A workflow that goes through every kind of step, and what it must give."""

from typing import Any

TOUR = """
mulle: 1
name: tour
nodes:
  - {id: start, type: start, ports: {outputs: [{name: n, type: number, required: true}]}}
  - id: way
    type: condition
    rate: {most: 1, per: 100ms}  # So that it takes a while, and an allowance that runs share is under fire, too.
    data: {cases: [{name: odd, when: "start.n % 2 == 1"}]}
  - {id: left, type: http, data: {method: PUT, url: "http://PLACE/{{ sys.run_id }}/left", json: {n: "{{ start.n }}"}}}
  - {id: right, type: http, data: {method: POST, url: "http://PLACE/right", json: {n: "{{ start.n }}"}}}
  - id: rounds
    type: loop
    data: {state: {sum: 0}, max_iterations: 3}
    body:
      nodes:
        - id: put
          type: http
          data: {method: PUT, url: "http://PLACE/{{ sys.run_id }}/rounds/{{ index }}/put", json: 1}
        - {id: more, type: transform, data: {value: "{{ state.sum + put.json.said }}"}}
        - {id: end, type: end}
      edges:
        - {source: put, target: more}
        - {source: more, source_port: value, target: end, target_port: sum}
  - id: each
    type: map
    data: {items: [1, 2, 3, 4], concurrency: 2, collect: said}
    body:
      nodes:
        - {id: post, type: http, data: {method: POST, url: "http://PLACE/each", json: "{{ item * 10 }}"}}
        - {id: end, type: end}
      edges:
        - {source: post, source_port: json, target: end, target_port: said}
  - id: inner
    type: subflow
    body:
      nodes:
        - {id: begin, type: start, ports: {outputs: [{name: n, type: number}]}}
        - id: double
          type: code
          data: {code: "def main(n: float) -> dict:\\n    return {'twice': n * 2}\\n"}
        - {id: get, type: http, data: {url: "http://PLACE/{{ sys.run_id }}/inner/0/get"}}
        - {id: end, type: end}
      edges:
        - {source: begin, source_port: n, target: double, target_port: n}
        - {source: double, target: get}
        - {source: get, target: end}
        - {source: double, source_port: twice, target: end, target_port: twice}
  - {id: ask, type: approval, data: {title: "보낼까요?"}}
  - {id: pause, type: wait, data: {for: 200ms}}
  - {id: tell, type: notification, data: {channel: webhook, to: "http://PLACE/tell", text: "끝"}}
  - {id: end, type: end}
edges:
  - {source: start, target: way}
  - {source: way, source_port: odd, target: left}
  - {source: way, source_port: else, target: right}
  - {source: left, target: rounds}
  - {source: right, target: rounds}
  - {source: rounds, target: each}
  - {source: start, source_port: n, target: inner, target_port: n}
  - {source: rounds, target: ask}
  - {source: each, target: pause}
  - {source: ask, source_port: approved, target: pause}
  - {source: pause, target: tell}
  - {source: tell, source_port: delivered, target: end, target_port: told}
  - {source: rounds, source_port: sum, target: end, target_port: sum}
  - {source: each, source_port: results, target: end, target_port: items}
  - {source: inner, source_port: twice, target: end, target_port: twice}
"""


def outputs_of(number: int) -> dict[str, Any]:
    """What run number so many gives, whatever happened to those who drove it."""
    return {"sum": 3, "items": [{"said": item * 10} for item in (1, 2, 3, 4)], "twice": number * 2, "told": True}


def answer_of(path: tuple[Any, ...], answer: Any) -> dict[str, Any]:
    """What a person fills in for a step that did happen: the outputs that its driver could not write down."""
    if path[-1] == "tell":
        return {"delivered": True, "receipt": {}}
    return {"status": 200, "headers": {}, "body": "", "json": answer}
