"""How a job stands and what it has."""

from typing import Dict, List, Literal, Optional, TypedDict

from ._request_types import JobState, LotResult, ProcessingMode, Stage


class Progress(TypedDict):
    total_lots: int
    processed_lots: int
    failed_lots: int
    completion_percentage: float
    estimated_completion: Optional[str]


class StatusProgress(TypedDict):
    work_percentage: float
    total_lots: int
    processed_lots: int
    failed_lots: int
    completion_percentage: float
    estimated_completion: Optional[str]


class ProcessingDetails(TypedDict):
    openai_vision_batch_id: Optional[str]
    openai_translation_batch_id: Optional[str]
    current_stage: Literal["done", "translation", "image_check", "vision_analysis", "finishing"]


class Stages(TypedDict):
    image_check: int
    vision_analysis: int
    translation: int
    completed: int
    failed: int
    cancelled: int


class OpenAiRequestCounts(TypedDict):
    total: int
    completed: int
    failed: int


class OpenAiBatch(TypedDict):
    stage: Stage
    batch_id: Optional[str]
    status: str
    openai_status: Optional[str]
    model: str
    attempt: int
    lots: int
    request_counts: OpenAiRequestCounts
    reason: Optional[str]
    submitted_at: Optional[str]
    finished_at: Optional[str]


class UsageEntry(TypedDict):
    stage: Stage
    model: str
    calls: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cost_usd: float


class Usage(TypedDict):
    cost_usd: float
    estimated_cost_usd: Optional[float]
    by_stage: List[UsageEntry]


class WebhookCounts(TypedDict):
    pending: int
    in_flight: int
    delivered: int
    failed: int
    superseded: int


class ErrorCount(TypedDict):
    """The lots of a job that ended without a description for one reason; CANCELLED for those of a cancelled job."""

    code: str
    lots: int
    first: str
    last: str


class Pause(TypedDict):
    paused_at: str
    resumes_at: str
    by: List[Literal["client", "operator"]]


class _JobStatusRequired(TypedDict):
    job_id: str
    status: JobState
    processing_mode: ProcessingMode
    created_at: str
    updated_at: str
    completed_at: Optional[str]
    cancelled_at: Optional[str]
    paused: bool
    progress: StatusProgress
    languages: List[str]
    processing_details: ProcessingDetails
    stages: Stages
    openai_batches: List[OpenAiBatch]
    usage: Usage
    error_message: Optional[str]
    error_code: Optional[str]
    errors: List[ErrorCount]
    webhook_configured: bool
    webhooks: WebhookCounts
    metadata: Dict[str, str]
    retry_of: Optional[str]
    #: The jobs that tried lots of this one once more.
    retried_by: List[str]


class JobStatus(_JobStatusRequired, total=False):
    pause: Pause


class ProcessingSummary(TypedDict):
    total_lots: int
    processed_lots: int
    failed_lots: int
    total_images_processed: int
    total_processing_time: float


class ResultsContent(TypedDict):
    version: Literal["1.0.0"]
    lots: List[LotResult]


class _JobResultsRequired(TypedDict):
    job_id: str
    status: JobState
    completed_at: Optional[str]
    cancelled_at: Optional[str]
    processing_summary: ProcessingSummary
    metadata: Dict[str, str]
    results: ResultsContent


class JobResults(_JobResultsRequired, total=False):
    next_cursor: Optional[str]
    retry_of: str


class JobRunning(TypedDict):
    error: str
    job_id: str
    status: JobState
    progress: Progress
    message: str


class _JobListItemRequired(TypedDict):
    id: str
    job_id: str
    status: JobState
    processing_mode: ProcessingMode
    created_at: str
    updated_at: str
    completed_at: Optional[str]
    cancelled_at: Optional[str]
    paused: bool
    total_lots: int
    processed_lots: int
    failed_lots: int
    progress: Progress
    languages: List[str]
    error_message: Optional[str]
    webhook_configured: bool
    metadata: Dict[str, str]
    retry_of: Optional[str]


class JobListItem(_JobListItemRequired, total=False):
    pause: Pause


class Pagination(TypedDict):
    limit: int
    offset: int
    total: int
    has_more: bool
    next_cursor: Optional[str]


class JobList(TypedDict):
    jobs: List[JobListItem]
    pagination: Pagination


class CancelledJob(TypedDict):
    job_id: str
    status: Literal["cancelled"]
    cancelled_at: str
    message: str


class _PausedJobRequired(TypedDict):
    job_id: str
    status: JobState
    paused: bool
    message: str


class PausedJob(_PausedJobRequired, total=False):
    pause: Pause
