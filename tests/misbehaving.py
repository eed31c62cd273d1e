"""A server on which nobody can rely."""

import re
import socket
import threading
from collections.abc import Callable

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Behaviour = Callable[[socket.socket], None]


def says(*answers: bytes) -> Behaviour:
    """Answers requests one after the other, the last answer for ever."""
    left = list(answers)
    return lambda connection: connection.sendall(left.pop(0) if len(left) > 1 else left[0])


class Misbehaving:
    """A server that does with each request what it is told to do."""

    def __init__(self) -> None:
        self.behaviour: Behaviour = says(OK)
        self.requests: list[bytes] = []
        self.over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while not self.over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(0.05)
            while not self.over.is_set():
                try:
                    request = self._read(connection)
                    if not request:
                        return
                    self.requests.append(request)
                    self.behaviour(connection)
                except TimeoutError:
                    continue
                except OSError:
                    return

    def _read(self, connection: socket.socket) -> bytes:
        request = connection.recv(65536)
        announced = re.search(rb"Content-Length: (\d+)", request)
        while announced and len(request.partition(b"\r\n\r\n")[2]) < int(announced[1]):
            request += connection.recv(65536)
        return request

    def hangs(self, connection: socket.socket) -> None:
        self.over.wait()

    def drips(self, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not self.over.wait(0.05):
            connection.sendall(b" ")

    def close(self) -> None:
        self.over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()
