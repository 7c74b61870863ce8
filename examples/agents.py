"""Seed 003, section 8: a workflow, a chain, and a monitor beside them. Run it: `python examples/agents.py`.

An agent is anything with `execute(data)`, sync or async, or a function.
"""

from collections import Counter
from typing import Any

from mulle.agents import AgentChain, Monitor, Workflow

# ---------------------------------------------------------------------- 에이전트


class DataLoadingAgent:
    """텍스트를 읽어 온다."""

    def execute(self, data: Any) -> str:
        return data or "  물레는 실을 잣는 도구다.  물레는   돌고, 실은 감긴다. "


class TextNormalizerAgent:
    """공백을 고르게 한다."""

    def execute(self, data: str) -> str:
        return " ".join(data.split())


class TextAnalyzerAgent:
    """낱말을 센다."""

    async def execute(self, data: str) -> dict[str, Any]:
        words = Counter(word.strip(".,") for word in data.split())
        return {"글자": len(data), "낱말": sum(words.values()), "가장 많은 낱말": words.most_common(1)[0][0]}


class DataInputAgent:
    def execute(self, data: Any) -> list[Any]:
        return data or [3, "4", None, 5]


class DataValidationAgent:
    def execute(self, data: list[Any]) -> list[int]:
        return [int(item) for item in data if item is not None]


class DataTransformAgent:
    def execute(self, data: list[int]) -> list[int]:
        return [item**2 for item in data]


class DataOutputAgent:
    def execute(self, data: list[int]) -> dict[str, int]:
        return {"개수": len(data), "합계": sum(data)}


def main() -> None:
    # ------------------------------------------------------------------ 텍스트 처리 워크플로우

    # 워크플로우 생성
    workflow = Workflow("텍스트 처리")

    # 단계 추가
    workflow.add_step("load", DataLoadingAgent())
    workflow.add_step("normalize", TextNormalizerAgent())
    workflow.add_step("analyze", TextAnalyzerAgent())

    # 실행
    result = workflow.execute()
    workflow.print_summary()
    print(result["output"])
    print()

    # ------------------------------------------------------------------ 데이터 처리 체인

    # 체인 생성
    chain = AgentChain("데이터 처리")

    # 에이전트 추가
    chain.add_agent(DataInputAgent())
    chain.add_agent(DataValidationAgent())
    chain.add_agent(DataTransformAgent())
    chain.add_agent(DataOutputAgent())

    # 실행
    result = chain.execute()
    chain.print_summary()
    print(result["output"])
    print()

    # ------------------------------------------------------------------ 모니터링과 함께 실행

    monitor = Monitor()

    # 경고 규칙 추가
    monitor.add_alert_rule(lambda stats: stats["success_rate"] < 80)

    # 워크플로우 실행
    monitor.start_workflow("wf001", "데이터 처리")
    for step in chain.execute()["results"]:
        monitor.log_agent_execution("데이터 처리", step["agent_name"], step["duration"], step["status"] == "completed")
    monitor.end_workflow("데이터 처리", 2.5, success=True)

    # 메트릭 출력
    monitor.print_metrics_report()


if __name__ == "__main__":
    main()
