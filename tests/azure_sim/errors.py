"""What the cloud answers when it refuses."""


class CloudError(Exception):
    """A refusal: the HTTP status, ARM's code and message, and how long a client shall wait before it asks again."""

    def __init__(self, status: int, code: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after


class AnswerLost(Exception):
    """The request was carried out, and its answer never came."""
