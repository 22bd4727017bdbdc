"""Azure Functions: a function for each of the two queues, handing over what the host has received; and
one for what Service Bus itself has given up in each.

The host wants this file at the root of its package; `make functions` lays that out. SERVICEBUS_CONNECTION
is a connection string, or, for an identity, the prefix of SERVICEBUS_CONNECTION__fullyQualifiedNamespace.
"""

from __future__ import annotations

import azure.functions as func

from backend.deploy.host import Host

app = func.FunctionApp()
host = Host()


@app.function_name("decide")
@app.service_bus_queue_trigger(
    arg_name="message",
    queue_name="%SERVICEBUS_QUEUE%",
    connection="SERVICEBUS_CONNECTION",
    is_sessions_enabled=True,
)
async def decide(message: func.ServiceBusMessage) -> None:
    """What a stream's decider answers, one at a time within a stream."""
    await host.handle(message)


@app.function_name("work")
@app.service_bus_queue_trigger(
    arg_name="message",
    queue_name="%SERVICEBUS_QUEUE%-work",
    connection="SERVICEBUS_CONNECTION",
)
async def work(message: func.ServiceBusMessage) -> None:
    """What any process may do, in parallel: the steps."""
    await host.handle(message)


@app.function_name("decide_dead")
@app.service_bus_queue_trigger(
    arg_name="message",
    queue_name="%SERVICEBUS_QUEUE%/$DeadLetterQueue",
    connection="SERVICEBUS_CONNECTION",
)
async def decide_dead(message: func.ServiceBusMessage) -> None:
    """What a stream was not told: it says so itself, and the message becomes a dead letter of ours."""
    await host.handle_dead(message)


@app.function_name("work_dead")
@app.service_bus_queue_trigger(
    arg_name="message",
    queue_name="%SERVICEBUS_QUEUE%-work/$DeadLetterQueue",
    connection="SERVICEBUS_CONNECTION",
)
async def work_dead(message: func.ServiceBusMessage) -> None:
    """A step that was not done: it fails, and the message becomes a dead letter of ours."""
    await host.handle_dead(message)
