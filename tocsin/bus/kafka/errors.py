"""What each of the client's error codes means for us, in one table.

Nothing of confluent_kafka leaves the adapter: every error passes through `translate`.
"""

from __future__ import annotations

from enum import Enum

from confluent_kafka import KafkaError, KafkaException

from tocsin.errors import (
    BusError,
    BusUnavailable,
    Fenced,
    RecordTooLarge,
    TocsinError,
    TransactionAborted,
)


class Kind(Enum):
    """What to do about an error."""

    UNAVAILABLE = "wait and try again"
    ABORTED = "the transaction did not happen"
    FENCED = "another process may hold the identity"
    TOO_LARGE = "a record is over the limit"
    DENIED = "a right is missing"
    SECURITY = "the credentials or certificates are wrong"
    MISSING = "a topic does not exist (yet)"
    WRONG = "the set-up or the program is wrong"


_CODES = {
    Kind.UNAVAILABLE: """
        BROKER_NOT_AVAILABLE COORDINATOR_LOAD_IN_PROGRESS COORDINATOR_NOT_AVAILABLE
        ELIGIBLE_LEADERS_NOT_AVAILABLE FENCED_LEADER_EPOCH FETCH_SESSION_ID_NOT_FOUND
        INCONSISTENT_TOPIC_ID INVALID_FETCH_SESSION_EPOCH KAFKA_STORAGE_ERROR
        LEADER_NOT_AVAILABLE LISTENER_NOT_FOUND LOG_DIR_NOT_FOUND NETWORK_EXCEPTION
        NOT_CONTROLLER NOT_COORDINATOR NOT_ENOUGH_REPLICAS
        NOT_ENOUGH_REPLICAS_AFTER_APPEND NOT_LEADER_FOR_PARTITION OFFSET_NOT_AVAILABLE
        PREFERRED_LEADER_NOT_AVAILABLE REASSIGNMENT_IN_PROGRESS REBOOTSTRAP_REQUIRED
        REPLICA_NOT_AVAILABLE REQUEST_TIMED_OUT STALE_BROKER_EPOCH STALE_CTRL_EPOCH
        THROTTLING_QUOTA_EXCEEDED TRANSACTION_COORDINATOR_FENCED UNKNOWN_LEADER_EPOCH
        UNSTABLE_OFFSET_COMMIT INVALID_MSG
        _ALL_BROKERS_DOWN _BAD_COMPRESSION _BAD_MSG _DESTROY _DESTROY_BROKER _FAIL
        _INTR _IN_PROGRESS _ISR_INSUFF _LOG_TRUNCATION _MSG_TIMED_OUT _NODE_UPDATE
        _NOENT _NOOP _OUTDATED _PARTIAL _PREV_IN_PROGRESS _QUEUE_FULL _RESOLVE _RETRY
        _TIMED_OUT _TIMED_OUT_QUEUE _TRANSPORT _UNDERFLOW _UNKNOWN_BROKER _WAIT_CACHE
        _WAIT_COORD""",
    Kind.ABORTED: """
        CONCURRENT_TRANSACTIONS DUPLICATE_SEQUENCE_NUMBER FENCED_INSTANCE_ID
        FENCED_MEMBER_EPOCH ILLEGAL_GENERATION INVALID_PRODUCER_ID_MAPPING
        INVALID_TXN_STATE MEMBER_ID_REQUIRED OUT_OF_ORDER_SEQUENCE_NUMBER
        REBALANCE_IN_PROGRESS STALE_MEMBER_EPOCH TRANSACTION_ABORTABLE
        UNKNOWN_MEMBER_ID UNKNOWN_PRODUCER_ID UNRELEASED_INSTANCE_ID
        _ASSIGNMENT_LOST _GAPLESS_GUARANTEE _INCONSISTENT _MAX_POLL_EXCEEDED
        _PURGE_INFLIGHT _PURGE_QUEUE""",
    Kind.FENCED: "INVALID_PRODUCER_EPOCH PRODUCER_FENCED _FENCED",
    Kind.TOO_LARGE: "INVALID_MSG_SIZE MSG_SIZE_TOO_LARGE RECORD_LIST_TOO_LARGE",
    Kind.DENIED: """
        CLUSTER_AUTHORIZATION_FAILED DELEGATION_TOKEN_AUTHORIZATION_FAILED
        GROUP_AUTHORIZATION_FAILED TOPIC_AUTHORIZATION_FAILED
        TRANSACTIONAL_ID_AUTHORIZATION_FAILED""",
    Kind.SECURITY: """
        DELEGATION_TOKEN_AUTH_DISABLED DELEGATION_TOKEN_EXPIRED
        DELEGATION_TOKEN_NOT_FOUND DELEGATION_TOKEN_OWNER_MISMATCH
        DELEGATION_TOKEN_REQUEST_NOT_ALLOWED ILLEGAL_SASL_STATE
        PRINCIPAL_DESERIALIZATION_FAILURE SASL_AUTHENTICATION_FAILED SECURITY_DISABLED
        UNACCEPTABLE_CREDENTIAL UNSUPPORTED_SASL_MECHANISM
        _AUTHENTICATION _SSL""",
    Kind.MISSING: """
        UNKNOWN_TOPIC_ID UNKNOWN_TOPIC_OR_PART _UNKNOWN_PARTITION _UNKNOWN_TOPIC""",
    Kind.WRONG: """
        DUPLICATE_RESOURCE DUPLICATE_VOTER ELECTION_NOT_NEEDED FEATURE_UPDATE_FAILED
        FENCED_STATE_EPOCH GROUP_ID_NOT_FOUND GROUP_MAX_SIZE_REACHED
        GROUP_SUBSCRIBED_TO_TOPIC INCONSISTENT_GROUP_PROTOCOL INCONSISTENT_VOTER_SET
        INVALID_COMMIT_OFFSET_SIZE INVALID_CONFIG INVALID_GROUP_ID INVALID_PARTITIONS
        INVALID_PRINCIPAL_TYPE INVALID_RECORD INVALID_RECORD_STATE INVALID_REGISTRATION
        INVALID_REGULAR_EXPRESSION INVALID_REPLICATION_FACTOR
        INVALID_REPLICA_ASSIGNMENT INVALID_REQUEST INVALID_REQUIRED_ACKS
        INVALID_SESSION_TIMEOUT INVALID_SHARE_SESSION_EPOCH INVALID_TIMESTAMP
        INVALID_TRANSACTION_TIMEOUT INVALID_UPDATE_VERSION INVALID_VOTER_KEY
        MISMATCHED_ENDPOINT_TYPE NON_EMPTY_GROUP NO_ERROR NO_REASSIGNMENT_IN_PROGRESS
        OFFSET_METADATA_TOO_LARGE OFFSET_OUT_OF_RANGE OPERATION_NOT_ATTEMPTED
        POLICY_VIOLATION RESOURCE_NOT_FOUND SHARE_SESSION_LIMIT_REACHED
        SHARE_SESSION_NOT_FOUND STREAMS_INVALID_TOPOLOGY STREAMS_INVALID_TOPOLOGY_EPOCH
        STREAMS_TOPOLOGY_FENCED TELEMETRY_TOO_LARGE TOPIC_ALREADY_EXISTS
        TOPIC_DELETION_DISABLED TOPIC_EXCEPTION UNKNOWN UNKNOWN_CONTROLLER_ID
        UNKNOWN_SUBSCRIPTION_ID UNSUPPORTED_ASSIGNOR UNSUPPORTED_COMPRESSION_TYPE
        UNSUPPORTED_ENDPOINT_TYPE UNSUPPORTED_FOR_MESSAGE_FORMAT UNSUPPORTED_VERSION
        VOTER_NOT_FOUND
        _APPLICATION _ASSIGN_PARTITIONS _AUTO_OFFSET_RESET _CONFLICT _CRIT_SYS_RESOURCE
        _EXISTING_SUBSCRIPTION _FATAL _FS _INVALID_ARG _INVALID_DIFFERENT_RECORD
        _INVALID_TYPE _KEY_DESERIALIZATION _KEY_SERIALIZATION _NOT_CONFIGURED
        _NOT_IMPLEMENTED _NO_OFFSET _PARTITION_EOF _READ_ONLY _REVOKE_PARTITIONS _STATE
        _UNKNOWN_GROUP _UNKNOWN_PROTOCOL _UNSUPPORTED_FEATURE _VALUE_DESERIALIZATION
        _VALUE_SERIALIZATION""",
}

KINDS = {name: kind for kind, names in _CODES.items() for name in names.split()}

_HINTS = {
    Kind.DENIED: "give this user the right: WRITE and READ on the topics, READ on the "
    "group, WRITE on the transactional id (kafka-acls)",
    Kind.SECURITY: "check security.protocol, sasl.* and ssl.* under bus.kafka",
    Kind.MISSING: "create it with `tocsin topics create`, or let Tocsin create topics",
    Kind.UNAVAILABLE: "is the broker running, and does its advertised.listeners name "
    "an address that this machine reaches?",
}


def error_of(error: KafkaException | KafkaError | None) -> KafkaError:
    """The client's error inside an exception; one without is of an unknown code."""
    if isinstance(error, KafkaError):
        return error
    inner = error.args[0] if error is not None and error.args else None
    if isinstance(inner, KafkaError):
        return inner
    return KafkaError(KafkaError.UNKNOWN, str(error))


def kind_of(error: KafkaException | KafkaError) -> Kind:
    """What to do about it; a code that is new to us is wrong, not harmless."""
    return KINDS.get(error_of(error).name(), Kind.WRONG)


def translate(
    error: KafkaException | KafkaError, doing: str, *, max_bytes: int = 0
) -> TocsinError:
    """Our error for the client's; `doing` says what failed, and on which thing.

    In `doing` stand names of topics, groups and hosts, never a setting's value: the
    client's own text holds no secret either.
    """
    kind = kind_of(error)
    inner = error_of(error)
    text = f"{doing}: {inner.str()} ({inner.name()})"
    match kind:
        case Kind.UNAVAILABLE | Kind.MISSING:
            return BusUnavailable(text, hint=_HINTS[kind])
        case Kind.ABORTED:
            return TransactionAborted(text)
        case Kind.FENCED:
            return Fenced(text)
        case Kind.TOO_LARGE:
            return RecordTooLarge(text, topic="", max_bytes=max_bytes)
        case _:
            return BusError(text, hint=_HINTS.get(kind, ""))
