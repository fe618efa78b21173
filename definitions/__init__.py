"""The framework: what a destination is, and everything that happens to an event before the network.

It knows no Kable, opens no socket and reads no clock.
"""

from .action import ActionDefinition, BatchData, BatchLimits, EventData, Exchange, Settings
from .answers.retry_after import RetryAfter
from .answers.status_table import SEGMENT_ANSWERS, Answer
from .definition import DestinationDefinition, Documentation, WorkedExample
from .destination import Destination
from .environment import Environment, Environments
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
from .json_body import indented_json, json_line
from .lint import Finding, lint
from .manifest_definition import Authentication, Preset
from .mapping import CompiledMapping, compile_mapping, describe_mapping
from .missing import MISSING
from .nearest import nearest
from .planning.author_code import describe_exception
from .planning.batch_group import ORDER_SHARDS, BatchGroup, batch_group
from .planning.event_counts import EventCounter, FieldCount, SubscriptionCount
from .planning.event_reader import EventList, read_event
from .planning.explanation import Explanation, FieldExplanation, SubscriptionExplanation, explain
from .planning.payload_list import Payload, PayloadList
from .planning.plan import EventBatch, Outcome, Plan, PlannedRequest, Result, SkipReason
from .planning.planner import Planner
from .planning.subscription import Subscription
from .redaction import Redactor
from .request import BASE_URL, RequestBuilder, RequestOptions, address_fault, is_loopback
from .sample_values import placeholder_value
from .shown_request import IMPLIED_HEADERS, curl_command, http_text, shown_request
from .text import counted, one_line, quoted, shortened, visible, visible_json
from .trigger import Trigger, compile_trigger

__all__ = [
    "BASE_URL",
    "IMPLIED_HEADERS",
    "MISSING",
    "ORDER_SHARDS",
    "SEGMENT_ANSWERS",
    "ActionDefinition",
    "Answer",
    "AnswerError",
    "Authentication",
    "BatchData",
    "BatchGroup",
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
    "Environment",
    "Environments",
    "EventBatch",
    "EventCounter",
    "EventData",
    "EventError",
    "EventList",
    "Exchange",
    "Explanation",
    "FieldCount",
    "FieldExplanation",
    "FieldsError",
    "Finding",
    "InputField",
    "MappingError",
    "Outcome",
    "Payload",
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
    "Settings",
    "SetupError",
    "SkipReason",
    "StoppedError",
    "Subscription",
    "SubscriptionCount",
    "SubscriptionExplanation",
    "Trigger",
    "TriggerError",
    "UnexpectedAnswerError",
    "UnreadableError",
    "WorkedExample",
    "address_fault",
    "batch_group",
    "compile_fields",
    "compile_mapping",
    "compile_trigger",
    "counted",
    "curl_command",
    "describe_exception",
    "describe_mapping",
    "explain",
    "http_text",
    "indented_json",
    "is_loopback",
    "json_line",
    "lint",
    "nearest",
    "one_line",
    "placeholder_value",
    "quoted",
    "read_event",
    "shortened",
    "shown_request",
    "visible",
    "visible_json",
]
