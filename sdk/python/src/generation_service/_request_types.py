"""What is asked for, and what is answered at once."""

from typing import Any, Dict, List, Literal, Mapping, Optional, Sequence, TypedDict, Union

JobState = Literal["pending", "processing", "translating", "completed", "failed", "cancelled"]
ProcessingMode = Literal["batch", "synchronous"]
Stage = Literal["vision", "translation"]
LotErrorCode = Literal[
    "IMAGE_UNREACHABLE",
    "NO_IMAGES",
    "REFUSED",
    "INCOMPLETE",
    "TEXT_REJECTED",
    "OPENAI_API_ERROR",
    "OPENAI_TIMEOUT",
    "COST_LIMIT_EXCEEDED",
    "DEADLINE_EXCEEDED",
    "SERVICE_UNAVAILABLE",
    "INTERRUPTED",
    "INTERNAL_ERROR",
    "CANCELLED",
]
PhotoReason = Literal[
    "not_found", "not_a_photo", "too_large", "timeout", "dns", "refused", "host_busy", "openai", "unreachable"
]


class Photo(TypedDict):
    url: str


class _LotRequired(TypedDict):
    lot_id: Union[str, int]
    images: Sequence[Union[Photo, str]]


class Lot(_LotRequired, total=False):
    additional_info: Optional[str]
    webhook: Optional[str]


class _GenerateDescriptionsRequestRequired(TypedDict):
    languages: Sequence[str]
    lots: Sequence[Lot]
    version: Literal["1.0.0"]


class GenerateDescriptionsRequest(_GenerateDescriptionsRequestRequired, total=False):
    signature: str
    webhook_url: Optional[str]
    metadata: Optional[Mapping[str, str]]
    max_cost_usd: Optional[float]
    mode: Optional[Literal["auto", "sync", "batch"]]
    include: Optional[Sequence[Literal["assessment", "notes", "usage"]]]
    webhook_events: Optional[Sequence[Literal["batch_job_progress", "delivery_exhausted", "receiver_recovered"]]]


class _DescriptionRequired(TypedDict):
    language: str
    damages: str


class Description(_DescriptionRequired, total=False):
    fallback: bool


class PhotoProblem(TypedDict):
    url: str
    reason: PhotoReason


class NeedsReview(TypedDict):
    value: bool
    reasons: List[str]


class LotError(TypedDict):
    code: str
    message: str


class _LotResultRequired(TypedDict):
    lot_id: str
    status: JobState
    processed_at: Optional[str]
    processed_images: int
    descriptions: List[Description]
    missing_images: List[str]
    photo_problems: List[PhotoProblem]
    pending_languages: List[str]


class LotResult(_LotResultRequired, total=False):
    needs_review: NeedsReview
    assessment: Dict[str, Any]
    usage: List[Dict[str, Any]]
    error: LotError


class _SynchronousAnswerRequired(TypedDict):
    version: Literal["1.0.0"]
    job_id: str
    processing_mode: Literal["synchronous"]
    total_lots: int
    processed_at: str
    lots: List[LotResult]
    warnings: List[str]
    pending_languages: List[str]


class SynchronousAnswer(_SynchronousAnswerRequired, total=False):
    metadata: Dict[str, str]


class _BatchAcceptedAnswerRequired(TypedDict):
    job_id: str
    status: Literal["failed", "processing", "translating", "completed", "cancelled", "accepted"]
    created_at: str
    total_lots: int
    lots_count: int
    languages: List[str]
    estimated_completion: str
    processing_mode: Literal["batch"]
    webhook_configured: bool
    estimated_cost_usd: Optional[float]
    warnings: List[str]


class BatchAcceptedAnswer(_BatchAcceptedAnswerRequired, total=False):
    #: The job whose lots this one tries once more.
    retry_of: str


class RetryRequest(TypedDict, total=False):
    codes: Optional[Sequence[LotErrorCode]]
    lot_ids: Optional[Sequence[Union[str, int]]]
    dry_run: Optional[bool]


class DryRun(TypedDict):
    lots: int
    estimated_cost_usd: Optional[float]
    warnings: List[str]


class PhotoCheckRequest(TypedDict):
    images: Sequence[Union[Photo, str]]


class PhotoTokens(TypedDict):
    low: Optional[int]
    high: Optional[int]


class PhotoCost(TypedDict):
    """USD in a synchronous request; half of it in a batch."""

    low: Optional[float]
    high: Optional[float]


class CheckedPhoto(TypedDict):
    url: str
    reachable: bool
    reason: Optional[PhotoReason]
    #: What the first bytes show, whatever the file is called.
    format: Optional[Literal["jpeg", "png", "webp", "gif", "avif", "tiff"]]
    bytes: Optional[int]
    width: Optional[int]
    height: Optional[int]
    tokens: PhotoTokens
    estimated_cost_usd: PhotoCost


class PhotoCheckAnswer(TypedDict):
    #: In the order asked.
    photos: List[CheckedPhoto]


class _KeyUsageRowRequired(TypedDict):
    lots: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost_usd: float


class KeyUsageRow(_KeyUsageRowRequired, total=False):
    day: str
    model: str
    mode: Literal["sync", "batch"]


#: `from` is a word of the language, so this one has no body of its own.
KeyUsage = TypedDict(
    "KeyUsage", {"from": str, "to": str, "group_by": Literal["day", "model", "mode"], "rows": List[KeyUsageRow]}
)


class HandedOverAnswer(TypedDict):
    job_id: str
    status: JobState
    processing_mode: Literal["synchronous"]
    total_lots: int
    created_at: str
    languages: List[str]
    message: str
    warnings: List[str]


class _ErrorAnswerRequired(TypedDict):
    error: str
    message: str
    code: str
    details: Dict[str, Any]
    request_id: str


class ErrorAnswer(_ErrorAnswerRequired, total=False):
    invalid_urls: List[str]
    missing_images: List[str]
    photo_problems: List[PhotoProblem]
    estimated_cost_usd: Optional[float]
    provided_lots: int
    max_allowed: int
    status: str
