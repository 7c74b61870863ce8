"""What can go wrong between a step and its model, each with what to do next."""

from mulle.errors import NetworkError, SetupError


class ModelsMissing(SetupError):
    """A model is set up, and what speaks to it is not installed."""

    code = "llm.models_missing"
    message = "The model {model} is set up, but Mulle was installed without the extra `models`."
    hint = "Install it: pip install 'mulle[models]'"


class ModelKeyMissing(SetupError):
    """A model of OpenAI's is named, and there is no key for it."""

    code = "llm.key_missing"
    message = "The model {model} is set up, but there is neither a key nor an endpoint for it."
    hint = "Set OPENAI_API_KEY, or MULLE_MODEL_BASE_URL for a server of your own."


class ModelKeyRefused(SetupError):
    """The endpoint does not take the key."""

    code = "llm.key_refused"
    message = "The endpoint {place} refused the key for the model {model} (status {status})."
    hint = "Check OPENAI_API_KEY, and that it may use this model."


class ModelUnknown(SetupError):
    """The endpoint has no such model."""

    code = "llm.unknown_model"
    message = "The endpoint {place} knows no model '{model}' (status 404)."
    hint = (
        "Check MULLE_MODEL (or the step's `model`), and that MULLE_MODEL_BASE_URL ends as its manual says, often /v1."
    )


class ModelFailed(NetworkError):
    """The model did not answer as it should."""

    code = "llm.failed"
    message = "The model {model} at {place} did not answer: {problem}"
    hint = "Run the step again (`retry`); if it stays so, look at the endpoint."


class ModelBusy(ModelFailed):
    """The endpoint takes no more requests for now; `retry_after` (seconds) is what it asks for, where it says so."""

    code = "llm.busy"
    message = "The model {model} at {place} takes no more requests for now: {problem}"
    hint = "Give the step a `retry` with a delay; if it stays so, look at the account's limits and credit."
    retry_after: float | None = None


class ModelUnreachable(ModelFailed):
    """No connection to the endpoint came about, or it broke."""

    code = "llm.unreachable"
    message = "The endpoint {place} of the model {model} cannot be reached."
    hint = "Check MULLE_MODEL_BASE_URL, that the server there runs, and this machine's connection (MULLE_PROXY)."


class ModelTimedOut(ModelFailed):
    """The answer was not there in time."""

    code = "llm.timed_out"
    message = "The model {model} at {place} did not answer within {seconds:g} s."
    hint = "Ask for less at once (`max_tokens`), or take a faster model."


class ModelGarbled(ModelFailed):
    """What answered speaks another protocol, or said nothing."""

    code = "llm.garbled"
    message = "{place} did not answer as a model does: {problem}"
    hint = "MULLE_MODEL_BASE_URL must be an endpoint of OpenAI's protocol; it often ends in /v1."
