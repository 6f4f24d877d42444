"""Client of Generation Service: damage in the photos of car lots, described in many languages."""

from ._async_client import AsyncGenerationService
from ._client import GenerationService
from ._errors import (
    ApiError,
    ConnectionFailedError,
    GenerationServiceError,
    JobRunningError,
    WebhookVerificationError,
)
from ._signing import sign_request
from ._webhooks import VerifiedWebhook, verify_webhook

__all__ = [
    "ApiError",
    "AsyncGenerationService",
    "ConnectionFailedError",
    "GenerationService",
    "GenerationServiceError",
    "JobRunningError",
    "VerifiedWebhook",
    "WebhookVerificationError",
    "sign_request",
    "verify_webhook",
]
