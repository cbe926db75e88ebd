"""What Azure's clients raise, as one sentence that matters and what to do about it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from generator.builder.arm_errors import ROLE, body_of, hint, not_allowed, reason_in, shortened
from generator.errors import ImagegenError

REHEARSE = "rehearse without Azure by `--target local`"


@contextmanager
def told(doing: str) -> Iterator[None]:
    """Raise what Azure's clients raise inside as an ImagegenError: `DOING: the sentence that matters`.

    Also a decorator of functions.
    """
    from azure.core.exceptions import AzureError  # noqa: PLC0415 - heavy

    try:
        yield
    except AzureError as error:
        raise as_told(doing, error) from error


def as_told(doing: str, error: Exception) -> ImagegenError:
    """The error in words. `doing`: what was tried, such as `reading the gallery images`."""
    code, sentence = code_of(error), sentence_of(error)
    if refused := not_allowed(sentence):
        return ImagegenError(f"{doing}: {refused}", ROLE)
    return ImagegenError(f"{doing}: {sentence}", hint(code, sentence))


def is_code(error: Exception, *codes: str) -> bool:
    """Whether an error of Azure's has one of these codes."""
    return code_of(error) in codes


def is_missing(error: Exception) -> bool:
    """Whether an error says that the thing asked for is not there; a subscription that is not is another matter."""
    return getattr(error, "status_code", None) == 404 and not is_code(error, "SubscriptionNotFound")


def unless_missing(ask: Callable[[], Any]) -> Any:
    """An answer, or None when Azure says that there is no such thing."""
    from azure.core.exceptions import HttpResponseError  # noqa: PLC0415 - heavy

    try:
        return ask()
    except HttpResponseError as error:
        if is_missing(error):
            return None
        raise


def code_of(error: Exception) -> str:
    """Azure's code for an error, such as `SkuNotAvailable`; "" where there is none."""
    return str(reason_in(_body(error)).get("code") or getattr(error, "error_code", None) or "")


def sentence_of(error: Exception) -> str:
    """The first sentence or line of an error that says why."""
    if "Timeout" in type(error).__name__:  # ServiceRequestTimeoutError, ServiceResponseTimeoutError
        return "there was no answer"
    text = str(reason_in(_body(error)).get("message") or getattr(error, "message", None) or error)
    status = getattr(error, "status_code", None)
    return shortened(text) or (f"the server says {status}" if status else type(error).__name__)


def _body(error: Exception) -> dict[str, Any]:
    """The error object of the response that an exception came from, {} where it has none."""
    response = getattr(error, "response", None)
    try:
        return body_of(response.text()) if response is not None else {}
    except Exception:  # a body that was not read, or is no text, tells nothing
        return {}
