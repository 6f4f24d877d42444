"""What goes over the wire, named as there. A test compares each type with the schema of its name in openapi.json."""

from ._job_types import *
from ._request_types import *
