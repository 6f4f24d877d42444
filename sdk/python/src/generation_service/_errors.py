import json
from typing import Any, Dict, Optional


class GenerationServiceError(Exception):
    """Whatever this client raises on purpose."""


class ApiError(GenerationServiceError):
    """The service refused a request, or failed to answer it. Prints its message, code, details and request id."""

    def __init__(
        self, status: int, answer: Dict[str, Any], retry_after: Optional[float] = None, request_id: Optional[str] = None
    ) -> None:
        self.status = status
        #: The whole answer, with the members that some codes add: invalid_urls, missing_images, …
        self.answer = answer
        #: The seconds after which the service asks to be tried again.
        self.retry_after = retry_after
        #: One of the codes of the documentation; HTTP_502 where a proxy answered.
        self.code: str = answer.get("code", f"HTTP_{status}")
        self.details: Dict[str, Any] = answer.get("details", {})
        self.request_id: Optional[str] = answer.get("request_id", request_id)
        parts = [f"{self.code}: {answer.get('message', f'the answer was {status} and no JSON of the service')}"]
        if self.details:
            parts.append(json.dumps(self.details, ensure_ascii=False))
        if self.request_id is not None:
            parts.append(f"(request id {self.request_id})")
        super().__init__(" ".join(parts))


class ConnectionFailedError(GenerationServiceError):
    """No answer came: the host is away, the connection broke, or the time was up."""


class JobRunningError(GenerationServiceError):
    """The job has not ended, so there are no whole results."""

    def __init__(self, job_id: str, status: str) -> None:
        self.job_id = job_id
        self.status = status
        super().__init__(f"job {job_id} is {status}: wait for its end, or ask for what is there with partial")


class WebhookVerificationError(GenerationServiceError):
    """A webhook that is not from the service, was changed on its way, or is an old one sent again."""
