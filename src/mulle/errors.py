"""Every error a person can meet, in one tree: what happened, where, and what to do next.

    MulleError
    ├── InputError        something given to us cannot be used (exit code 2)
    │   ├── DocumentError     a workflow document
    │   ├── ExpressionError   a condition or a `{{ reference }}`
    │   └── ScheduleError     a schedule phrase or rule
    ├── StepError         a step of a run failed (exit code 1)
    │   ├── NetworkError      the world outside did not answer as needed
    │   └── SandboxError      code of a step misbehaved or was stopped
    ├── StoreError        the disk or the database did not do its duty
    └── SetupError        this machine or its settings lack something

A subclass gives `code`, `hint` and, where its text has gaps, `message`; the raise fills the gaps by keyword:

    raise UnknownNodeType(at="summary", type="lllm")     # Node 'summary': unknown type 'lllm'.
"""

from typing import Any, ClassVar, TypeVar

Cause = TypeVar("Cause", bound=BaseException)


class MulleError(Exception):
    """Something went wrong in a way that we can name."""

    code: ClassVar[str] = "error"
    message: ClassVar[str] = "{detail}"
    """What happened, as a sentence; `{names}` are filled by the raise."""
    hint: ClassVar[str] = ""
    """What to do next; may use the same names."""

    def __init__(self, detail: str = "", /, *, at: str = "", hint: str | None = None, **facts: Any) -> None:
        """Say it in one sentence.

        Args:
            detail: The sentence itself, for classes whose `message` is not fixed.
            at: The place: a node id, an edge, a field (`nodes.summary.data.url`), a file and line.
            hint: Replaces the class's own hint.
            **facts: What the gaps of `message` and `hint` are filled with; kept for machines.
        """
        self.at = at
        self.facts = {"detail": detail, "at": at, **facts}
        self.text = self.message.format_map(self.facts)
        self.advice = self.hint.format_map(self.facts) if hint is None else hint
        super().__init__(self.text)

    @property
    def cause(self) -> str:
        """The error's own words, where `text` says also in which place it happened; else empty."""
        return str(self.facts.get("cause", ""))

    def to_dict(self) -> dict[str, str]:
        """The error as the command line and the API show it: `{code, message, where, hint}`."""
        return {"code": self.code, "message": self.text, "where": self.at, "hint": self.advice}


class InputError(MulleError):
    """Something given to us cannot be used."""

    code = "input.invalid"


class SecretUnusable(InputError):
    """A secret's name or value cannot be stored."""

    code = "secrets.unusable"
    hint = "A name is a word such as NAVER_KEY; a value is text of at most 64 KiB."


class DocumentError(InputError):
    """The workflow document cannot be used."""

    code = "document.invalid"
    hint = "`mulle validate FILE` lists everything that is wrong with it."


class ExpressionError(InputError):
    """A condition or a reference cannot be understood or computed."""

    code = "expression.invalid"


class UnreadableExpression(ExpressionError):
    """The text of an expression does not follow the grammar; `facts` hold its 1-based `line` and `column`."""

    code = "expression.syntax"
    message = "{place}: {detail}"


class UnknownFunction(UnreadableExpression):
    """An expression calls a function that does not exist."""

    code = "expression.unknown_function"


class ExpressionTooLarge(UnreadableExpression):
    """An expression is longer or more deeply nested than the language allows."""

    code = "expression.too_large"
    hint = "Split it over several steps, or use a code step."


class MissingReference(ExpressionError):
    """An expression refers to something that is not there."""

    code = "expression.missing_reference"


class WrongValue(ExpressionError):
    """An operator or a function was given a value that it cannot work with."""

    code = "expression.wrong_value"


class ResultTooLarge(ExpressionError):
    """An expression makes a value that is larger than the language allows."""

    code = "expression.result_too_large"
    hint = "An expression makes at most 1 MB; larger data is for a code or transform step."


class ScheduleError(InputError):
    """A schedule cannot be understood, or cannot be kept."""

    code = "schedule.invalid"


class IncompleteSchedule(ScheduleError):
    """The phrase leaves out what a schedule needs; the hint is the question to ask, in the phrase's language.

    Facts: `missing`, a list of `frequency`, `time`, `weekday`, `day`, `month`, `until` or `calendar`.
    """

    code = "schedule.incomplete"
    message = "The schedule '{phrase}' does not say: {names}."


class AmbiguousSchedule(ScheduleError):
    """The phrase can mean different schedules; the hint asks which, in the phrase's language.

    Facts: `candidates`, the readings as phrases that would be understood.
    """

    code = "schedule.ambiguous"
    message = "The schedule '{phrase}' can be read in more than one way: {names}."


class ImpossibleSchedule(ScheduleError):
    """The phrase names a time that does not exist, is over, or contradicts itself."""

    code = "schedule.impossible"
    message = "The schedule '{phrase}' cannot be kept: {why}."


class UnsupportedSchedule(ScheduleError):
    """The phrase is clear, but no rule we know can say it (lunar dates, sunrise, dates relative to an event)."""

    code = "schedule.unsupported"
    message = "The schedule '{phrase}' needs what is not supported: {what}."


class NotASchedule(ScheduleError):
    """The phrase names no time. Facts: `kind`, `event` where it waits for something to happen, else `none`."""

    code = "schedule.not_a_schedule"
    message = "'{phrase}' names no time to run at."
    hint = "Say when, such as '매일 오전 9시' or 'every weekday at 9am'."


class BadCron(ScheduleError):
    """A cron line that no clock can follow."""

    code = "schedule.bad_cron"
    message = "The cron line '{cron}' cannot be used: {why}."
    hint = "Write five fields, minute hour day month weekday, such as '30 9 * * 1-5'."


class BadRecurrence(ScheduleError):
    """An RFC 5545 rule that cannot be followed."""

    code = "schedule.bad_rrule"
    message = "The rule '{rrule}' cannot be used: {why}."
    hint = "Write it as 'DTSTART:20260105T090000 RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO'."


class BadTrigger(ScheduleError):
    """A trigger of a document whose fields do not make a schedule."""

    code = "schedule.bad_trigger"
    message = "{detail}"


class UnknownTimezone(ScheduleError):
    """A time zone that the zone database does not have."""

    code = "schedule.unknown_timezone"
    message = "There is no time zone '{timezone}'."
    hint = "Use a name of the IANA database, such as Asia/Seoul or America/New_York."


class UnknownCalendar(ScheduleError):
    """Public holidays are asked for, of a country for which we have none."""

    code = "schedule.unknown_calendar"
    message = "No public holidays are known for '{country}'."
    hint = "Name a country by its two letters, such as KR or US, or leave the holidays out."


class StepError(MulleError):
    """A step of a run failed."""

    code = "step.failed"


class BodyFailed(StepError):
    """A step failed inside a loop, a map or a subflow; a retry runs the whole body again.

    Facts: `cause`, what the step said.
    """

    code = "body.failed"


class NetworkError(StepError):
    """The world outside did not answer as needed."""

    code = "network.failed"
    sent: bool = True
    """Whether the other side may have received the request. Only errors that say False let a `once` step retry."""

    def __init__(self, detail: str = "", /, *, sent: bool | None = None, **facts: Any) -> None:
        """As every error; `sent` replaces what the class says."""
        super().__init__(detail, **facts)
        if sent is not None:
            self.sent = sent


class RequestUnusable(NetworkError):
    """A request cannot be made as it was asked for."""

    code = "network.request_unusable"
    sent = False


class AddressRefused(NetworkError):
    """The owner of this machine did not allow steps to reach that address."""

    code = "network.address_refused"
    message = "{place} may not be reached: {why}."
    hint = "If you trust it, allow it: MULLE_ALLOW_HOSTS={place}"
    sent = False


class UnreachableHost(NetworkError):
    """No connection came about."""

    code = "network.unreachable"
    message = "{place} cannot be reached: {why}."
    hint = "Check the address, the port and this machine's connection. Nothing was sent, so trying again is safe."
    sent = False


class UnknownHost(UnreachableHost):
    """The name has no address."""

    code = "network.unknown_host"
    message = "Nobody knows a host named {host!r}."
    hint = "Check its spelling, and whether this machine can look names up."


class CertificateRefused(UnreachableHost):
    """The other side could not prove who it is."""

    code = "network.certificate_refused"
    message = "{place} could not prove who it is: {why}."
    hint = "If it uses a certificate of your own authority, point SSL_CERT_FILE at that authority."


class TimedOut(NetworkError):
    """The other side took too long."""

    code = "network.timed_out"
    message = "{place} was not done within {seconds:g} s (while {phase})."
    hint = "Give the step a longer timeout, or ask for less."


class ConnectionLost(NetworkError):
    """The connection broke after something was sent."""

    code = "network.connection_lost"
    message = "{place} broke off: {why}."
    hint = "It may have acted on the request: look there before you send it again."


class AnswerUnreadable(NetworkError):
    """What came back follows no known form."""

    code = "network.answer_unreadable"
    message = "The answer of {place} cannot be read: {why}."


class HttpStatusError(NetworkError):
    """The server answered with a status of 400 or above; `status`, `retry_after` (seconds) and `preview` are facts."""

    code = "network.http_status"
    message = "{place} answered {status} {reason}: {preview}"
    status: int = 0
    retry_after: float | None = None


class AnswerTooLarge(NetworkError):
    """The answer is larger than the step wants to hold."""

    code = "network.answer_too_large"
    message = "{place} sent more than {limit:,} bytes."
    hint = "Ask for less, or raise the step's max_bytes."


class RedirectRefused(NetworkError):
    """The server sent us to a place where this request must not go."""

    code = "network.redirect_refused"
    message = "{place} redirects to {target}: {why}."
    hint = "If you trust it, use that address directly."


class NotJson(NetworkError):
    """JSON was expected and something else came; the hint says what it looks like."""

    code = "network.not_json"
    message = "The answer of {place} is not JSON ({why}): {preview}"


class BadAddress(NetworkError):
    """Nobody can be reached under what was given as an address."""

    code = "notify.bad_address"
    message = "{text!r} is no mail address: {why}."
    hint = "Write it as name@example.com, or as 이름 <name@example.com>."
    sent = False


class DeliveryRefused(NetworkError):
    """The mail server or messenger said no; nothing was delivered."""

    code = "notify.refused"
    message = "{place} refused the message: {why}"
    sent = False


class PathRefused(StepError):
    """A step wanted a file outside the folder meant for it."""

    code = "files.path_refused"
    message = "{path!r} is not a usable file name: {why}."
    hint = "Use a relative name such as reports/today.md."


class SandboxError(StepError):
    """A code step misbehaved or was stopped."""

    code = "sandbox.failed"


class CodeRaised(SandboxError):
    """The code raised an error and did not catch it.

    Facts: `type` and `said` of the error, `line` in the user's source or None, `traceback` of the user's own frames,
    `stdout` up to there.
    """

    code = "sandbox.raised"
    message = "{type}{place}: {said}"
    hint = "Mend the code of this step, or give it the inputs it expects."

    @property
    def cause(self) -> str:
        """`ValueError: boom`, as Python itself would end its report."""
        return ": ".join(filter(None, (self.facts["type"], self.facts["said"])))


class CodeForbidden(CodeRaised):
    """The code reached for what code steps may not have; facts as of CodeRaised."""

    code = "sandbox.forbidden"
    hint = (
        "A code step computes on its inputs: it has no network, no other programs and no files but its own scratch "
        "folder. Use an http step for the web, and pass files in as inputs."
    )


class CodeSyntax(SandboxError):
    """The source cannot be read as Python, or as a template; `line` and `said` are facts."""

    code = "sandbox.syntax"
    message = "The {what} cannot be read{place}: {said}."
    hint = "Mend it at that line."


class CodeFunctionMissing(SandboxError):
    """The source does not define the function that the step calls."""

    code = "sandbox.function_missing"
    message = "The code defines no function {function!r}."
    hint = "Define it: def {function}(…) -> dict. Functions found: {found}."


class CodeNotData(SandboxError):
    """What goes into code and what it returns must be text, numbers, true, false, null, lists and dicts."""

    code = "sandbox.not_data"
    message = "{what} is not plain data: {found}{place}."
    hint = "Return text, numbers, true, false, None, lists and dicts."


class CodeTimedOut(SandboxError):
    """The code was not done in time, and its process was ended."""

    code = "sandbox.timed_out"
    message = "The code was not done within {seconds:g} s."
    hint = "Give the step a longer timeout, or let it do less at once."


class CodeMemoryExceeded(SandboxError):
    """The code asked for more memory than one call may have."""

    code = "sandbox.memory"
    message = "The code needed more than {limit} MiB of memory."
    hint = "Work on the data in parts, or raise the step's memory limit."


class CodeScratchFull(SandboxError):
    """The code wrote more into its scratch folder than one call may."""

    code = "sandbox.scratch_full"
    message = "The code wrote more than {limit} MiB, or too many files."
    hint = "Write less, or raise the step's scratch limit."


class CodeOutputTooLarge(SandboxError):
    """The code returned more than one call may."""

    code = "sandbox.output_too_large"
    message = "The code returned more than {limit}."
    hint = "Return less: a summary, or one part of the data at a time."


class CodeKilled(SandboxError):
    """The code's process ended without an answer; `signal` is a fact, a name such as SIGSEGV or empty."""

    code = "sandbox.killed"
    message = "The code's process ended without an answer: {how}."
    hint = "Endless recursion and leaving by os._exit end so; else the machine may be short of memory."


class SandboxLost(SandboxError):
    """The sandbox's own process ended under the call."""

    code = "sandbox.lost"
    message = "The sandbox ended while the code ran."
    hint = "It starts again by itself: run the step again."


class StoreError(MulleError):
    """The disk or the database did not do its duty."""

    code = "store.failed"


class SecretsDamaged(StoreError):
    """The file that holds the secrets is not what we wrote."""

    code = "secrets.damaged"
    message = "{path} is damaged: {why}."
    hint = "Restore it from a backup, or move it away and store the secrets again."


class SetupError(MulleError):
    """This machine or its settings lack something."""

    code = "setup.missing"
    hint = "`mulle doctor` says what this machine offers."


class SandboxUnavailable(SetupError):
    """Code of others cannot be run safely here."""

    code = "sandbox.unavailable"
    message = "Code steps cannot be locked in on this machine: {missing}."
    hint = (
        "Run Mulle on Linux 5.13 or newer with Landlock and libseccomp. MULLE_SANDBOX=container trusts the container "
        "around Mulle instead; MULLE_SANDBOX=unsafe runs code with no lock at all. `mulle doctor` says what holds."
    )


class JournalConflict(StoreError):
    """Someone else drives this run now."""

    code = "journal.conflict"
    message = "Run {run} was taken over by another driver."
    hint = "Nothing is lost: the other driver goes on with it."


class DriverBroken(MulleError):
    """Driving a run ended in an error that nobody expected."""

    code = "run.driver_broken"
    message = "Run {run} could not be driven on: {error}."
    hint = "This is a mistake in Mulle: please report it. `mulle runs resume {run}` tries again; nothing is lost."


class RunUnfinished(InputError):
    """A run that has not ended is never removed."""

    code = "run.unfinished"
    message = "Run '{run}' has not ended yet."
    hint = "Cancel it first: `mulle runs cancel {run}`."


class BrokenJournal(StoreError):
    """The journal tells something that cannot have happened."""

    code = "journal.broken"
    hint = "The file was changed by hand or damaged, or it belongs to another workflow. Restore a backup."


class NewerJournal(StoreError):
    """The journal was written by a release that is newer than this one."""

    code = "journal.newer"
    message = "This run follows rules {rules} in format {format}; this release knows rules and formats up to {known}."
    hint = "Upgrade Mulle; the run is not harmed."


class StaleSnapshot(StoreError):
    """A snapshot of a run cannot be used by this release."""

    code = "journal.stale_snapshot"
    hint = "A snapshot is only a cache: delete it, and the run is folded from its facts."


class UnknownRun(InputError):
    """There is no run with this id."""

    code = "run.unknown"
    message = "There is no run '{run}'."
    hint = "`mulle runs list` shows the runs of this home."


class UnknownGraph(StoreError):
    """A run's graph is not in the store."""

    code = "journal.unknown_graph"
    message = "The graph {graph} is not stored here."
    hint = "The database is incomplete; restore a backup."


class StoreFull(StoreError):
    """The disk, or the room given to the database, is full."""

    code = "store.full"
    message = "There is no room left to write: {detail}."
    hint = "Free space (`mulle gc` removes old runs). What was written is safe; unfinished runs go on afterwards."


class StoreUnavailable(StoreError):
    """The database cannot be opened or written."""

    code = "store.unavailable"
    message = "The database cannot be used: {detail}."
    hint = "Check that the folder MULLE_HOME exists, belongs to you and may be written."


class StoreRefused(StoreUnavailable):
    """The database server does not let us in, or not far enough."""

    code = "store.refused"
    message = "The database server does not let us in: {detail}."
    hint = "Check the user, the password and the name of the database in MULLE_DATABASE_URL."


class LeaseLost(StoreUnavailable):
    """Our right to drive a run ran out before it was renewed."""

    code = "store.lease_lost"
    message = "The database was not reached in time, so that others may go on with run {run} now."
    hint = "Nothing is lost. If it happens often, look at the load of this machine and at the way to the database."


class StoreDamaged(StoreError):
    """The database's file is broken, or is none."""

    code = "store.damaged"
    message = "The database cannot be read: {detail}."
    hint = "Restore a backup of the folder MULLE_HOME, or move the damaged file away to begin anew."


class StoreTooNew(StoreError):
    """A newer release has written this database."""

    code = "store.too_new"
    message = "The database was made by a newer release: {part} has schema {found}, this release knows {known}."
    hint = "Install the newer release again; its data cannot be turned back."


class BadSetting(SetupError):
    """An environment variable holds something unusable."""

    code = "setup.bad_setting"
    message = "{variable} cannot be used: {why}."
    hint = "`.env.example` shows what each variable may hold."


class SecretMissing(SetupError):
    """A workflow needs a secret that nobody has stored."""

    code = "secrets.missing"
    message = "No secret is stored under the name {name!r}."
    hint = "Store it: mulle secrets set {name}"


class WrongMasterKey(SetupError):
    """The secrets on this machine were locked with another key."""

    code = "secrets.wrong_key"
    message = "The stored secrets cannot be opened with the key from {source}."
    hint = "Bring back the key they were stored with (MULLE_MASTER_KEY, or the file master.key in MULLE_HOME)."


def cause_of(error: BaseException, kind: type[Cause]) -> Cause | None:
    """The first of `kind` among `error` and what led to it; libraries wrap the telling one in others."""
    at: BaseException | None = error
    while at is not None:
        if isinstance(at, kind):
            return at
        at = at.__cause__ or at.__context__
    return None
