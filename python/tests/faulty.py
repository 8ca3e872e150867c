"""A proxy before a server that breaks connections: it waits, cuts in the middle of what is sent, or after an answer was made."""

import contextlib
import random
import socket
import threading


class Faulty:
    """Passes on connections to an address; with `chance` a piece that passes is where the connection breaks."""

    def __init__(self, host, port, seed=1):
        self.target = (host, port)
        self.random = random.Random(seed)
        self.chance = 0.0
        self.broken = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                try:
                    server = socket.create_connection(self.target)
                except OSError:
                    client.close()
                    continue
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source, sink):
        with contextlib.suppress(OSError):
            while piece := source.recv(1 << 16):
                if self.random.random() < self.chance:
                    self.broken += 1
                    # Some of it still arrives, all of it, or nothing.
                    sink.sendall(piece[: self.random.choice((0, len(piece) // 2, len(piece)))])
                    break
                sink.sendall(piece)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self):
        self.listener.close()
