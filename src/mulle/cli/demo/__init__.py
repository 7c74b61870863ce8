"""`mulle demo`: the main job from the sentence to the mail, and the plug pulled in the middle."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from textwrap import indent

import click

from mulle.app import App, open_app
from mulle.app.schedules import keep
from mulle.author.compose import Result
from mulle.cli.author import composed
from mulle.cli.demo.naver import NaverStandIn
from mulle.cli.demo.post import Mail, PostOffice
from mulle.cli.printing import short
from mulle.document.drawing import as_text, picture_of
from mulle.document.reading import parse_workflow
from mulle.document.workflow import Workflow
from mulle.engine.facts import NodeDone, NodeFailed, NodeStarted
from mulle.errors import MulleError
from mulle.runtime.ledger import Published
from mulle.settings import Settings
from mulle.triggers.fire import timed_triggers
from mulle.triggers.schedule import next_firings

SENTENCE = "매일 아침 9시에 네이버 뉴스에서 경제 기사 3개를 수집해서 요약하고 메일로 보내줘"
RECIPIENT = "me@example.com"
TIMEZONE = "Asia/Seoul"


class DemoFailed(MulleError):
    """The demo did not show what it should."""

    code = "demo.failed"
    message = "{detail}"
    hint = "`mulle doctor` says what this machine lacks."


@click.command()
@click.argument("sentence", default=SENTENCE)
@click.option("--to", "recipient", default=RECIPIENT, show_default=True, help="Who gets the mail (it stays here).")
def demo(sentence: str, recipient: str) -> int:
    """Watch a Korean sentence become a workflow that sends a mail, and survive a kill."""
    with tempfile.TemporaryDirectory(prefix="mulle-demo-") as home:
        asyncio.run(_Demo(Path(home), sentence, recipient).show())
    return 0


class _Demo:
    """One showing, in a home of its own that is gone afterwards."""

    def __init__(self, home: Path, sentence: str, recipient: str) -> None:
        self._sentence = sentence
        self._recipient = recipient
        self._post = PostOffice()
        self._naver = None if _has_naver_key() else NaverStandIn()
        self._environ = os.environ | {
            "MULLE_HOME": str(home),
            "MULLE_MAIL_FROM": "물레 <mulle@example.com>",
        }
        self._settings = Settings.from_environ(self._environ)
        if self._naver:
            self._environ |= {
                "MULLE_STAND_INS": f"openapi.naver.com={self._naver.origin}",
                "NAVER_CLIENT_ID": "demo-id",
                "NAVER_CLIENT_SECRET": "demo-secret",
            }

    async def show(self) -> None:
        """All acts, one after the other; raises DemoFailed when one of them fails."""
        self._environ["MULLE_SMTP_URL"] = await self._post.open()
        self._settings = Settings.from_environ(self._environ)
        app = open_app(given=self._settings)
        try:
            workflow = await self._author(app)
            await self._run(app, workflow)
            workflow_id = self._schedule(app, workflow)
            await self._pull_the_plug(app, workflow_id)
        finally:
            await app.close()
            self._post.close()
            if self._naver:
                self._naver.close()

    # ------------------------------------------------------------------ 1

    async def _author(self, app: App) -> Workflow:
        _title("1. 한 문장 · One sentence")
        click.secho(f"  “{self._sentence}”", bold=True)
        answers: dict[str, str] = {}
        result = await composed(app, self._sentence, answers, yes=False, timezone=TIMEZONE, chosen=self._settings)
        for question in result.questions:
            answer = self._recipient if "to" in question.key or "@" in question.suggestion else question.suggestion
            answers[question.key] = answer
            click.echo(f"  ? {question.text}")
            click.echo(f"  > {answer}   (the demo answers)")
        result = await composed(app, self._sentence, answers, yes=False, timezone=TIMEZONE, chosen=self._settings)
        if result.status != "ready" or result.workflow is None:
            raise DemoFailed(f"The author did not get ready: {result.to_dict()}")
        workflow = parse_workflow(result.workflow)
        _title("2. 그래프와 증명 · The graph, and the proof on stand-ins")
        click.echo(indent(as_text(picture_of(workflow)), "    "))
        _ladder(result)
        return workflow

    # ------------------------------------------------------------------ 2

    async def _run(self, app: App, workflow: Workflow) -> None:
        _title("3. 실행 · A real run")
        if self._naver:
            click.echo("  (No NAVER_CLIENT_ID is set: a local HTTP server stands in for Naver's news API.)")
        app.listen(_progress)
        run = await app.run(workflow)
        if run.status != "succeeded" or not self._post.mails:
            raise DemoFailed(f"The run ended {run.status}: {run.error or run.detail}")
        _envelope(self._post.mails[-1])

    # ------------------------------------------------------------------ 3

    def _schedule(self, app: App, workflow: Workflow) -> str:
        _title("4. 일정 · The schedule")
        stored = keep(app, workflow)
        for timed in timed_triggers(workflow):
            for moment in next_firings(timed.schedule, datetime.fromtimestamp(app.now(), UTC), 3):
                click.echo(f"  next: {moment.isoformat()}")
        click.echo(f"  Kept as workflow {stored.id}. It fires while `mulle worker` runs.")
        return stored.id

    # ------------------------------------------------------------------ 4

    async def _pull_the_plug(self, app: App, workflow_id: str) -> None:
        _title("5. 플러그를 뽑아도 · The plug is pulled in the middle")
        if self._naver is None:
            click.echo("  (Shown only with the stand-in, which can hold a request while the worker is killed.)")
            return
        before = len(self._post.mails)
        self._naver.hold()
        worker = self._start("run", workflow_id)
        asked = await asyncio.to_thread(self._naver.asked.wait, 30)
        if not asked:
            worker.kill()
            raise DemoFailed("The second run never asked for news.")
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        self._naver.go_on()
        run = (await app.runs(limit=1))[0]
        click.echo(f"  run {run.id}: worker {worker.pid} killed with SIGKILL while 'fetch' waited for Naver")
        click.echo(f"  mails of this run so far: {len(self._post.mails) - before}")
        again = self._start("worker", "--until-idle")
        await asyncio.to_thread(again.wait)
        ended = await app.standing(run.id)
        sent = len(self._post.mails) - before
        click.echo(f"  a new worker ({again.pid}) went on by itself: {ended.status}, mails sent: {sent}")
        if ended.status != "succeeded" or sent != 1:
            raise DemoFailed(f"The run ended {ended.status} with {sent} mails; it should have sent one.")
        click.secho("\n  ✓ One sentence, one mail a morning, through a power cut.", fg="green", bold=True)

    def _start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "mulle.cli", *arguments, "--json"]
        return subprocess.Popen(command, env=self._environ, stdout=subprocess.DEVNULL)  # noqa: S603 - ourselves.


def _has_naver_key() -> bool:
    return bool(os.environ.get("NAVER_CLIENT_ID") and os.environ.get("NAVER_CLIENT_SECRET"))


def _title(text: str) -> None:
    click.secho(f"\n{text}", fg="cyan", bold=True)


def _ladder(result: Result) -> None:
    rungs = "  ".join(f"{'✓' if check.ok else '✗'} {check.rung}" for check in result.checks)
    click.secho(f"\n  {rungs}", fg="green")
    for mark, said in (("•", result.report.built), ("~", result.report.assumed), ("!", result.report.not_done)):
        for sentence in said:
            click.echo(f"  {mark} {sentence}")


def _progress(published: Published) -> None:
    """One line a step, as it happens."""
    for fact in published.facts:
        path = "/".join(map(str, getattr(fact, "path", ())))
        if isinstance(fact, NodeStarted) and fact.effect != "pure":
            click.echo(f"  ▸ {path} …")
        elif isinstance(fact, NodeDone):
            click.echo(f"  ✓ {path:<12} {short(fact.outputs, 90)}")
        elif isinstance(fact, NodeFailed):
            click.echo(f"  ✗ {path:<12} {fact.error.message}")


def _envelope(mail: Mail) -> None:
    click.echo("\n  The mail, as the SMTP server got it:")
    lines = [
        f"From: {mail.sender}",
        f"To: {', '.join(mail.to)}",
        f"Subject: {mail.subject}",
        "",
        *mail.text.splitlines(),
    ]
    for line in lines:
        click.echo(f"  │ {line}")
