"""The server behind all proxies, a process of its own. The first byte says what a connection is for."""

import itertools
import socket
import sys
import threading

BLOCK = bytes(256 * 1024)
STARTED = b"R\x00\x00\x00\x08\x00\x00\x00\x00Z\x00\x00\x00\x05I"
"""AuthenticationOk and ReadyForQuery, which a PostgreSQL client waits for."""


def rows(size):
    """Return DataRow messages of one column and of that size, a block of them."""
    body = (1).to_bytes(2, "big") + (size - 11).to_bytes(4, "big") + b"x" * (size - 11)
    message = b"D" + (len(body) + 4).to_bytes(4, "big") + body
    return message * (len(BLOCK) // len(message))


def echo(sock):
    """Give back what comes."""
    buffer = bytearray(65536)
    while count := sock.recv_into(buffer):
        sock.sendall(memoryview(buffer)[:count])


def flood(sock, block=BLOCK):
    """Send until nobody reads."""
    for _ in itertools.repeat(None):
        sock.sendall(block)


def postgres(sock):
    """Start a session, and answer a query with rows without end; the query is the size of a row."""
    sock.sendall(STARTED)
    flood(sock, rows(int(sock.recv(100)[5:].rstrip(b"\0"))))


def serve(sock):
    """Do what the first byte asks for."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with sock:
        try:
            first = sock.recv(1)
            if first == b"\x00":
                sock.recv(100)
                postgres(sock)
            elif first == b"f":
                flood(sock)
            else:
                echo(sock)
        except OSError:
            return


def main():
    """Serve until killed."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    sys.stdout.write(f"listening 127.0.0.1:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=serve, args=(sock,), daemon=True).start()


if __name__ == "__main__":
    main()
