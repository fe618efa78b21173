"""The framework: what a destination is, and everything that happens to an event before the network.

It knows no Kable, opens no socket and reads no clock.
"""

from .answers.reader import SEGMENT_ANSWERS, Answer
from .answers.retry_after import RetryAfter
from .definition import (
    ActionDefinition,
    Authentication,
    BatchData,
    BatchLimits,
    DestinationDefinition,
    Documentation,
    EventData,
    Preset,
    WorkedExample,
)
from .destination import Destination
from .errors import (
    AnswerError,
    ConfigurationError,
    CredentialsError,
    DefinitionError,
    DestinationError,
    EventError,
    FieldsError,
    MappingError,
    Problem,
    RefusedError,
    RejectedError,
    RetryableError,
    SetupError,
    StoppedError,
    TriggerError,
    UnexpectedAnswerError,
    UnreadableError,
)
from .fields import CompiledFields, compile_fields
from .input_field import Choice, Condition, Conditions, InputField
from .lint import lint
from .mapping import CompiledMapping, compile_mapping, describe_mapping
from .missing import MISSING
from .nearest import nearest
from .planning.event_reader import EventList, read_event
from .planning.explanation import Explanation, FieldExplanation, SubscriptionExplanation, explain
from .planning.payload_list import PayloadList
from .planning.plan import EventBatch, Outcome, Plan, PlannedRequest, Result
from .planning.planner import Planner
from .planning.subscription import Subscription
from .redaction import Redactor
from .request import RequestBuilder, RequestOptions
from .text import safe
from .trigger import Trigger, compile_trigger

__all__ = [
    "MISSING",
    "SEGMENT_ANSWERS",
    "ActionDefinition",
    "Answer",
    "AnswerError",
    "Authentication",
    "BatchData",
    "BatchLimits",
    "Choice",
    "CompiledFields",
    "CompiledMapping",
    "Condition",
    "Conditions",
    "ConfigurationError",
    "CredentialsError",
    "DefinitionError",
    "Destination",
    "DestinationDefinition",
    "DestinationError",
    "Documentation",
    "EventBatch",
    "EventData",
    "EventError",
    "EventList",
    "Explanation",
    "FieldExplanation",
    "FieldsError",
    "InputField",
    "MappingError",
    "Outcome",
    "PayloadList",
    "Plan",
    "PlannedRequest",
    "Planner",
    "Preset",
    "Problem",
    "Redactor",
    "RefusedError",
    "RejectedError",
    "RequestBuilder",
    "RequestOptions",
    "Result",
    "RetryAfter",
    "RetryableError",
    "SetupError",
    "StoppedError",
    "Subscription",
    "SubscriptionExplanation",
    "Trigger",
    "TriggerError",
    "UnexpectedAnswerError",
    "UnreadableError",
    "WorkedExample",
    "compile_fields",
    "compile_mapping",
    "compile_trigger",
    "describe_mapping",
    "explain",
    "lint",
    "nearest",
    "read_event",
    "safe",
]
