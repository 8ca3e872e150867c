"""A proxy before an HTTP server that waits before each request, and counts requests and bytes.

    python benches/delaying.py SERVER_PORT MILLISECONDS

Prints its own port. Requests for `/~count` are answered with what was counted since the last such request, as JSON.
"""

import asyncio
import json
import sys


class Proxy:
    """Passes on requests to a port of this machine."""

    def __init__(self, port, seconds):
        self.port, self.seconds = port, seconds
        self.counted = {"requests": 0, "sent_bytes": 0, "received_bytes": 0}

    async def serve(self):
        server = await asyncio.start_server(self.connection, "127.0.0.1", 0, limit=1 << 20)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    async def connection(self, reader, writer):
        upstream = None
        try:
            while head := await read_head(reader):
                first, headers = head
                if first.split()[1] == b"/~count":
                    await self.answer_count(writer)
                    continue
                self.counted["requests"] += 1
                if headers.pop(b"expect", b"").lower() == b"100-continue":
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                await asyncio.sleep(self.seconds)
                upstream = upstream or await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
                self.counted["sent_bytes"] += await pass_on(first, headers, reader, upstream[1])
                status, headers = await read_head(upstream[0])
                is_bodyless = first.startswith(b"HEAD") or status.split()[1] in (b"204", b"304")
                self.counted["received_bytes"] += await pass_on(status, headers, upstream[0], writer, is_bodyless)
                if headers.get(b"connection", b"").lower() == b"close":
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            for end in [writer] + ([upstream[1]] if upstream else []):
                end.close()

    async def answer_count(self, writer):
        body = json.dumps(self.counted).encode()
        self.counted = dict.fromkeys(self.counted, 0)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()


async def read_head(reader):
    """First line and headers, or `None` at the end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    first, *lines = head[:-4].split(b"\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(b":")
        headers[name.strip().lower()] = value.strip()
    return first, headers


async def pass_on(first, headers, reader, writer, is_bodyless=False):
    """Passes on a message; returns the bytes of its body."""
    writer.write(first + b"\r\n" + b"".join(b"%s: %s\r\n" % item for item in headers.items()) + b"\r\n")
    passed = 0
    if is_bodyless:
        pass
    elif headers.get(b"transfer-encoding", b"").lower() == b"chunked":
        size = -1
        while size:
            line = await reader.readuntil(b"\r\n")
            size = int(line.split(b";")[0], 16)
            chunk = await reader.readexactly(size + 2)
            writer.write(line + chunk)
            await writer.drain()
            passed += size
    else:
        left = int(headers.get(b"content-length", b"0"))
        while left:
            chunk = await reader.read(min(left, 1 << 20))
            if not chunk:
                raise ConnectionResetError
            writer.write(chunk)
            await writer.drain()
            left -= len(chunk)
            passed += len(chunk)
    await writer.drain()
    return passed


if __name__ == "__main__":
    asyncio.run(Proxy(int(sys.argv[1]), float(sys.argv[2]) / 1000).serve())
