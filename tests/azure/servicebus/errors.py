"""What Service Bus answers when it refuses. The SDK makes its exceptions of the conditions."""

from __future__ import annotations

from tests.azure.amqp.frames import AmqpError

TOO_LARGE = "amqp:link:message-size-exceeded"


def not_found(name: str) -> AmqpError:
    return AmqpError("amqp:not-found", f"The messaging entity '{name}' could not be found.")


def unauthorized(name: str, right: str) -> AmqpError:
    text = f"Unauthorized access. '{right}' claim(s) are required to perform this operation on '{name}'."
    return AmqpError("amqp:unauthorized-access", text)


def disabled(name: str) -> AmqpError:
    text = f"Messaging entity '{name}' is currently disabled."
    return AmqpError("com.microsoft:entity-disabled", text)


def not_allowed(why: str) -> AmqpError:
    return AmqpError("amqp:not-allowed", why)


def invalid(why: str) -> AmqpError:
    return AmqpError("com.microsoft:argument-error", why)


def too_large(size: int, limit: int) -> AmqpError:
    text = (
        f"The received message (size:{size} bytes) exceeds the limit ({limit} bytes) of the link."
    )
    return AmqpError(TOO_LARGE, text)


def quota_full(name: str) -> AmqpError:
    text = f"The maximum entity size has been reached or exceeded for queue '{name}'."
    return AmqpError("amqp:resource-limit-exceeded", text)


def busy() -> AmqpError:
    return AmqpError(
        "com.microsoft:server-busy", "The request was terminated because it is throttled."
    )


def detached() -> AmqpError:
    text = "The link is force detached by the broker, because it was idle or is moved."
    return AmqpError("amqp:link:detach-forced", text)


def lock_lost() -> AmqpError:
    text = "The lock supplied is invalid. Either the lock expired, or the message has already been removed."
    return AmqpError("com.microsoft:message-lock-lost", text)


def session_lost(session_id: str) -> AmqpError:
    text = f"The session lock has expired on the session '{session_id}'."
    return AmqpError("com.microsoft:session-lock-lost", text)


def session_taken(session_id: str) -> AmqpError:
    text = f"The requested session '{session_id}' cannot be accepted. It may be locked by another receiver."
    return AmqpError("com.microsoft:session-cannot-be-locked", text)


def timed_out() -> AmqpError:
    text = "The operation did not complete within the allotted timeout."
    return AmqpError("com.microsoft:timeout", text)


def message_not_found(sequence: int) -> AmqpError:
    text = f"Failed to find the message with the sequence number {sequence}."
    return AmqpError("com.microsoft:message-not-found", text)


STATUS = {
    "com.microsoft:message-lock-lost": 410,
    "com.microsoft:session-lock-lost": 410,
    "com.microsoft:message-not-found": 404,
    "amqp:not-found": 404,
    "amqp:unauthorized-access": 401,
    "com.microsoft:server-busy": 503,
    "amqp:resource-limit-exceeded": 403,
    "com.microsoft:timeout": 408,
}


def status(error: AmqpError) -> int:
    """The HTTP-like code a management reply carries with the condition."""
    return STATUS.get(error.condition, 400)
