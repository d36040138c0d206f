"""Whether a Toxiproxy that we did not start shares this machine's loopback: a message is sent through it."""

from __future__ import annotations

import secrets
import socket

from pytest_resilience.services.toxiproxy_client import EngineError, ToxiproxyClient


def check_reach(client: ToxiproxyClient, name: str) -> None:
    """See that its proxies can be reached from here, and that they reach what listens here.

    Args:
        client: a client of it.
        name: what the proxy is called that is made for this, and removed again.

    Raises:
        EngineError: one of them cannot.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(client.timeout)
        listen = client.create_proxy(name, f"127.0.0.1:{server.getsockname()[1]}")
        try:
            _send_through(listen, server, timeout=client.timeout)
        except OSError as error:
            raise EngineError(
                f"Toxiproxy at {client.host}:{client.port} answers, but its proxies do not connect "
                f"this machine's loopback ports ({error}): is it in a container or on another machine? Run it "
                "here, for example with `docker run --network host`, or let us run one: --chaos-toxiproxy=binary"
            ) from error
        finally:
            client.delete_proxy(name)


def _send_through(listen: str, server: socket.socket, *, timeout: float) -> None:
    host, _, port = listen.rpartition(":")
    word = secrets.token_bytes(16)
    with socket.create_connection((host, int(port)), timeout=timeout) as client:
        client.sendall(word)
        received, _ = server.accept()
        with received:
            received.settimeout(timeout)
            if received.recv(len(word), socket.MSG_WAITALL) != word:
                raise ConnectionError("another server answered there")
