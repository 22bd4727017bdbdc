"""The broker as a process: `python -m tests.azure.servicebus --port 0`.

Says where it listens in one line of JSON, `{"port", "tls_port", "control"}`, and ends on SIGTERM or
when its standard input, a pipe, is closed, as it is when whoever started it is gone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import ssl
import sys

from aiohttp import web

from tests.azure.amqp.connection import Connection
from tests.azure.servicebus.client import Client
from tests.azure.servicebus.control import Control
from tests.azure.servicebus.namespace import Namespace, Policy

HOST = "127.0.0.1"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.azure.servicebus")
    parser.add_argument("--port", type=int, default=0, help="plain TCP, as the emulator's")
    parser.add_argument("--tls-port", type=int, default=0, help="TLS and SASL, as Azure's")
    parser.add_argument("--certificate", help="for TLS: a chain, with …")
    parser.add_argument("--key", help="… its private key")
    parser.add_argument("--policy", default="RootManageSharedAccessKey", help="may everything")
    parser.add_argument("--policy-key", default="SAS_KEY_VALUE")
    return parser.parse_args()


class Broker:
    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace

    async def plain(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Connection(reader, writer, self._client).run()

    async def secure(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Connection(reader, writer, self._client, sasl=True).run()

    def _client(self, connection: Connection) -> Client:
        return Client(self._namespace, connection)


async def main(asked: argparse.Namespace) -> None:
    namespace = Namespace()
    namespace.policies[asked.policy] = Policy(asked.policy_key)
    broker = Broker(namespace)
    plain = await asyncio.start_server(broker.plain, HOST, asked.port)
    said = {"port": _port(plain)}
    if asked.certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(asked.certificate, asked.key)
        secure = await asyncio.start_server(broker.secure, HOST, asked.tls_port, ssl=tls)
        said["tls_port"] = _port(secure)
    control = web.AppRunner(Control(namespace).application())
    await control.setup()
    await web.TCPSite(control, HOST, 0).start()
    where = f"http://{HOST}:{control.addresses[0][1]}"
    ended = _ended()
    print(json.dumps({**said, "control": where}), flush=True)
    await ended.wait()


def _port(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


def _ended() -> asyncio.Event:
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    loop.add_reader(sys.stdin, _heard, ended)
    return ended


def _heard(ended: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        ended.set()


if __name__ == "__main__":
    asyncio.run(main(arguments()))
