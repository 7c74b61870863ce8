"""Chains of agents, and the page of examples of the seed."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mulle.agents import AgentChain, ChainResult, Monitor, RunFailed, StateStore

EXAMPLE = Path(__file__).parents[2] / "examples" / "agents.py"


class Double:
    def execute(self, data: int) -> int:
        return data * 2


class Broken:
    name = "고장"

    def execute(self, data: Any) -> Any:
        raise OSError("끊김")


def plus(value: int) -> int:
    return value + 1


def test_each_agent_gets_what_the_one_before_it_gave():
    store = StateStore()
    chain = AgentChain("데이터").add_agent(Double()).add_agent(plus).add_agent(Double()).add_agent(plus, name="끝")

    result = chain.execute(3, store=store)

    assert (result["status"], result["output"], result["chain_name"]) == ("completed", 15, "데이터")
    assert [one["agent_name"] for one in result["results"]] == ["Double", "plus", "Double", "끝"]
    assert chain.results[0] == ChainResult("Double", "completed", 6, chain.results[0].duration, None)
    assert len(store.list_snapshots()) == 4
    assert "Double" in chain._repr_svg_()


def test_a_failure_ends_the_chain(capsys: pytest.CaptureFixture[str]):
    chain = AgentChain("데이터").add_agent(Double()).add_agent(Broken()).add_agent(Double())

    result = chain.execute(3)
    chain.print_summary()

    assert (result["status"], result["output"], result["error"]) == ("failed", None, "끊김")
    assert [(one.agent_name, one.status, one.error) for one in chain.results[:2]] == [
        ("Double", "completed", None),
        ("고장", "failed", "끊김"),
    ]
    assert "✗ 고장: FAILED" in capsys.readouterr().out
    with pytest.raises(RunFailed, match="끊김"):
        chain.execute(3, raise_on_error=True)


def test_a_failure_may_take_another_way():
    chain = AgentChain("데이터").add_agent(Broken(), alternative=Double()).add_agent(plus)

    result = chain.execute(3)

    assert (result["status"], result["output"]) == ("completed", 7)
    assert [(one.agent_name, one.status) for one in chain.results] == [
        ("고장", "failed"),
        ("고장-fallback", "completed"),
        ("plus", "completed"),
    ]


def test_a_chain_is_counted_by_a_monitor():
    monitor = Monitor()
    AgentChain("데이터").add_agent(Double()).execute(3, monitor=monitor)

    assert monitor.get_metrics("데이터")["agents"]["Double"]["executions"] == 1


PRINTED = """\
워크플로우: 텍스트 처리
=================================================
상태: COMPLETED | 소요 시간: _초
  ✓ load: COMPLETED (_초)
  ✓ normalize: COMPLETED (_초)
  ✓ analyze: COMPLETED (_초)
{'글자': 30, '낱말': 8, '가장 많은 낱말': '물레는'}

체인: 데이터 처리
=================================================
상태: COMPLETED | 소요 시간: _초
  ✓ DataInputAgent: COMPLETED (_초)
  ✓ DataValidationAgent: COMPLETED (_초)
  ✓ DataTransformAgent: COMPLETED (_초)
  ✓ DataOutputAgent: COMPLETED (_초)
{'개수': 3, '합계': 50}

 모니터링 메트릭 리포트
=================================================

워크플로우: 데이터 처리
  실행: 1 | 성공: 1 | 실패: 0
  성공률: 100.0%
  평균 시간: 2.5초
  
   에이전트 메트릭:
    - DataInputAgent: 실행 1회, 성공률 100%
    - DataValidationAgent: 실행 1회, 성공률 100%
    - DataTransformAgent: 실행 1회, 성공률 100%
    - DataOutputAgent: 실행 1회, 성공률 100%
"""  # noqa: W293 - as the seed prints it.


def test_the_examples_of_the_seed_run_as_written():
    done = subprocess.run([sys.executable, EXAMPLE], capture_output=True, text=True, check=True, timeout=60)

    assert re.sub(r"\d+\.\d{3}초", "_초", done.stdout) == PRINTED
