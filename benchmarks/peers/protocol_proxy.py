"""The least code that is a proxy in Python: an `asyncio.Protocol` each way. Run: PORT-OF-UPSTREAM asyncio|uvloop."""

import asyncio
import sys


class Side(asyncio.Protocol):
    """One side of a connection; what it reads goes to the other."""

    def __init__(self, other=None, upstream=None):
        self.other, self.upstream, self.early = other, upstream, []

    def connection_made(self, transport):
        """Reach the upstream, if this is the client's side."""
        self.transport = transport
        if self.other is not None:
            self.other.other = self
            for data in self.other.early:
                transport.write(data)
        else:
            self.task = asyncio.ensure_future(self.reach())

    async def reach(self):
        """Connect to the upstream."""
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: Side(self), "127.0.0.1", self.upstream)

    def data_received(self, data):
        """Pass it on."""
        if self.other is None:
            self.early.append(data)
        else:
            self.other.transport.write(data)

    def pause_writing(self):
        """Stop the sender."""
        self.other.transport.pause_reading()

    def resume_writing(self):
        """Let the sender go on."""
        self.other.transport.resume_reading()

    def connection_lost(self, _):
        """End the other side too."""
        if self.other is not None:
            self.other.transport.close()


async def main(upstream):
    """Serve until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Side(upstream=upstream), "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"listening 127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[2] == "uvloop":
        import uvloop

        uvloop.run(main(int(sys.argv[1])))
    else:
        asyncio.run(main(int(sys.argv[1])))
