"""A way to the server that breaks once: after the first COMMIT has reached it and before its answer is back."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

_SOCKET = ".s.PGSQL.5432"


class CuttingWay:
    """Stands before a server's Unix socket. `armed`: the next COMMIT is the one whose answer is lost."""

    def __init__(self, server: Path, folder: Path) -> None:
        self._server = str(server / _SOCKET)
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(folder / _SOCKET))
        self._listening.listen()
        self.armed = False
        self.cuts = 0
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(10)
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                thread = threading.Thread(target=self._carry, args=[client], daemon=True)
                self.threads.append(thread)
                thread.start()

    def _carry(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self._server)
            back = threading.Thread(target=_pour, args=[server, client], daemon=True)
            back.start()
            with suppress(OSError):
                while data := client.recv(65536):
                    if self.armed and b"COMMIT" in data:
                        self.armed = False
                        self.cuts += 1
                        client.shutdown(socket.SHUT_RDWR)  # the answer finds nobody
                        server.sendall(data)
                        break
                    server.sendall(data)
            with suppress(OSError):
                server.shutdown(socket.SHUT_WR)
            back.join(10)


def _pour(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            with suppress(OSError):
                sink.sendall(data)


@contextmanager
def cutting_way(server: Path, folder: Path) -> Generator[CuttingWay]:
    way = CuttingWay(server, folder)
    try:
        yield way
    finally:
        way.close()
