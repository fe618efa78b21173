"""The framework: what a destination is, and everything that happens to an event before the network.

It knows no Kable, opens no socket and reads no clock.
"""

from typing import TYPE_CHECKING

from .action import ActionDefinition, BatchData, BatchLimits, EventData, Exchange, Settings
from .answers.retry_after import RetryAfter
from .answers.status_table import SEGMENT_ANSWERS, Answer
from .base_url import BASE_URL, Address, address_fault, is_loopback, read_base_url
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
from .fields.rfc3339 import rfc3339
from .identifiers import PLACEHOLDERS, identifier_fault, identifier_text
from .input_field import Choice, Condition, Conditions, InputField
from .json_body import encode_json, indented_json, json_line, sorted_json
from .lint import Finding, lint
from .manifest_definition import Authentication, Preset
from .mapping import CompiledMapping, compile_mapping, describe_mapping
from .missing import MISSING
from .nearest import nearest, nearest_word
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
from .request_options import RequestOptions
from .sample_events import example_events, short_event_for
from .sample_values import placeholder_value
from .shown_request import IMPLIED_HEADERS, curl_command, http_text, shown_request
from .text import counted, listed, one_line, quoted, shortened, visible, visible_json
from .trigger import Trigger, compile_trigger

if TYPE_CHECKING:
    from .request import RequestBuilder

__all__ = [
    "BASE_URL",
    "IMPLIED_HEADERS",
    "MISSING",
    "ORDER_SHARDS",
    "PLACEHOLDERS",
    "SEGMENT_ANSWERS",
    "ActionDefinition",
    "Address",
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
    "encode_json",
    "example_events",
    "explain",
    "http_text",
    "identifier_fault",
    "identifier_text",
    "indented_json",
    "is_loopback",
    "json_line",
    "lint",
    "listed",
    "nearest",
    "nearest_word",
    "one_line",
    "placeholder_value",
    "quoted",
    "read_base_url",
    "read_event",
    "rfc3339",
    "short_event_for",
    "shortened",
    "shown_request",
    "sorted_json",
    "visible",
    "visible_json",
]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import what makes requests when it is asked for: a command that sends nothing needs no httpx."""
        if name != "RequestBuilder":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from .request import RequestBuilder  # noqa: PLC0415

        return RequestBuilder
