"""A tus client on a bare socket, as cheap as can be, so that the server is what is measured."""

from __future__ import annotations

import socket
import struct
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

HOST = "127.0.0.1"
OFFSET_TYPE = "application/offset+octet-stream"


@dataclass
class RawTus:
    """One connection; ``path`` is where uploads are created."""

    port: int
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.socket = socket.create_connection((HOST, self.port), timeout=600)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._ahead = b""

    def create(self, size_bytes: int, sha256: str) -> str:
        """An empty upload; returns its address."""
        status, headers = self.request("POST", self.path, self._creation(size_bytes, sha256))
        assert status == 201, (status, headers)
        return headers["location"]

    def create_with(self, body: memoryview, sha256: str) -> None:
        """Creation with all the bytes."""
        wanted = {**self._creation(len(body), sha256), "Content-Type": OFFSET_TYPE}
        status, headers = self.request("POST", self.path, wanted, [body], len(body))
        assert status == 201, (status, headers)
        assert headers["upload-offset"] == str(len(body)), headers

    def patch(
        self, address: str, offset: int, pieces: Iterable[memoryview], size_bytes: int
    ) -> None:
        """One PATCH."""
        wanted = {"Upload-Offset": str(offset), "Content-Type": OFFSET_TYPE}
        status, headers = self.request("PATCH", path_of(address), wanted, pieces, size_bytes)
        assert status == 204, (status, headers)
        assert headers["upload-offset"] == str(offset + size_bytes), headers

    def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        pieces: Iterable[memoryview] = (),
        size_bytes: int = 0,
    ) -> tuple[int, dict[str, str]]:
        """Send a request and read the head of its answer; a body of the answer is thrown away."""
        self.send_head(method, path, headers, size_bytes)
        for piece in pieces:
            self.socket.sendall(piece)
        return self.answer(method)

    def send_head(
        self, method: str, path: str, headers: Mapping[str, str], size_bytes: int | None = 0
    ) -> None:
        """Only the head of a request; ``None`` announces a chunked body."""
        length = (
            {"Transfer-Encoding": "chunked"}
            if size_bytes is None
            else {"Content-Length": str(size_bytes)}
        )
        every = {
            "Host": f"{HOST}:{self.port}",
            "Tus-Resumable": "1.0.0",
            **length,
            **self.headers,
            **headers,
        }
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {every[name]}" for name in every)]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())

    def begin_patch(self, address: str, offset: int, size_bytes: int | None) -> None:
        """The head of a PATCH; its bytes follow by ``socket.sendall``."""
        wanted = {"Upload-Offset": str(offset), "Content-Type": OFFSET_TYPE}
        self.send_head("PATCH", path_of(address), wanted, size_bytes)

    def head(self, address: str) -> int:
        """Where the upload stands."""
        status, headers = self.request("HEAD", path_of(address), {})
        assert status == 200, (status, headers)
        return int(headers["upload-offset"])

    def reset(self) -> None:
        """Close so that the peer sees RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        self.socket.close()

    def _creation(self, size_bytes: int, sha256: str) -> dict[str, str]:
        digest = b64encode(sha256.encode()).decode()
        return {"Upload-Length": str(size_bytes), "Upload-Metadata": f"sha256 {digest}"}

    def answer(self, method: str = "PATCH") -> tuple[int, dict[str, str]]:
        """Read the head of the next answer, and throw its body away."""
        data = self._ahead
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        status = int(first.split()[1])
        length = int(headers.get("content-length", "0"))
        if method == "HEAD" or status == 204:
            length = 0
        elif headers.get("transfer-encoding") == "chunked":
            while not body.endswith(b"0\r\n\r\n"):
                body += self._more()
            length = len(body)
        while len(body) < length:
            body += self._more()
        self._ahead = body[length:]
        return status, headers

    def _more(self) -> bytes:
        data = self.socket.recv(65_536)
        if not data:
            raise ConnectionError("the server closed the connection")
        return data


def path_of(address: str) -> str:
    """Path of an address, which some servers give with scheme and host."""
    return "/" + address.split("://", 1)[1].partition("/")[2] if "://" in address else address
