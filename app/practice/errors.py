"""Errors in the shape that OpenAI-compatible clients read."""

import orjson


class Refused(Exception):
    """A request that is answered with an error; carries all that the answer says."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
        self._error = {"message": message, "type": kind, "param": param, "code": code}

    def body(self) -> bytes:
        """The answer's JSON."""
        return orjson.dumps({"error": self._error})
