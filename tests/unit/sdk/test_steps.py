"""A capture is cut after each of its steps, in turn; nothing promised is ever lost."""

import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from client_sdk._store import Store
from client_sdk.client import FieldClient
from client_sdk.protocol import records
from tests.unit.sdk.conftest import Opener
from tests.unit.sdk.fake_server import CODE, FakeServer


class Ring:
    """A keyring; opening a store with it costs no key derivation."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def get(self, name: str) -> str | None:
        return self.kept.get(name)

    def put(self, name: str, secret: str) -> None:
        self.kept[name] = secret


class CutError(BaseException):
    """The device loses power: nothing after this runs."""


class Cutter:
    """Lets `left` calls of the system happen, and cuts at the next one and all later."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.cut = False

    def wrap(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if self.left == 0:
                self.cut = True
                raise CutError
            self.left -= 1
            return real(*args, **kwargs)

        return call


def capture_cut_at(
    client: FieldClient, step: int, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> tuple[bool, bool]:
    """(returned, cut): whether the capture returned, and whether the cut came at all."""
    cutter = Cutter(step)
    with monkeypatch.context() as patch:
        for name in ("fsync", "replace", "unlink", "open"):
            patch.setattr(os, name, cutter.wrap(getattr(os, name)))
        patch.setattr(Store, "run", cutter.wrap(Store.run))
        try:
            client.capture(data, name="a.jpg")
        except CutError:
            return False, True
    return True, cutter.cut


@pytest.mark.parametrize("ring", [None, Ring()], ids=["plain", "encrypted"])
def test_every_step(
    open_client: Opener,
    monkeypatch: pytest.MonkeyPatch,
    server: FakeServer,
    ring: Ring | None,
) -> None:
    first = open_client(secrets=ring)
    first.enrol(CODE, name="phone")
    first.close()
    promised: list[str] = []
    step = 0
    while True:
        data = b"evidence %d" % step
        client = open_client(secrets=ring)
        returned, cut = capture_cut_at(client, step, data, monkeypatch)
        if returned:
            promised.append(hashlib.sha256(data).hexdigest())
        client.close()
        after = open_client(secrets=ring)
        check(after, promised)
        after.close()
        step += 1
        if not cut:
            break
    assert step > 8, "the capture has become shorter than its promises"
    client = open_client(secrets=ring)
    assert client.reconciled.clean
    assert client.sync().complete
    assert set(promised) <= set(server.blobs)
    assert set(server.blobs) == client._files.digests()


def check(client: FieldClient, promised: list[str]) -> None:
    """Files and rows agree, the chain holds, and what was promised is there."""
    assert not client.reconciled.lost
    assert not client.reconciled.damaged
    assert client._files.digests() == client._ledger.known_digests()
    assert set(promised) <= client._files.digests()
    prev = records.GENESIS
    seen: list[str] = []
    for _, _, wire in client._ledger.unsent_records(10**6, 10**9):
        opened = records.open_record(wire)
        assert opened.header.prev == prev
        prev = opened.hid
        seen += [ref["sha256"] for ref in opened.payload["obj"]]
    assert len(seen) == len(set(seen)), "captured twice"
    for digest in seen:
        client._files.measure(digest)


def test_a_store_that_is_cut_while_it_is_made_can_be_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, cut, ring = 0, True, Ring()
    while cut:
        cutter = Cutter(step)
        root = tmp_path / f"store-{step}"
        with monkeypatch.context() as patch:
            for name in ("fsync", "replace", "open", "mkdir"):
                patch.setattr(os, name, cutter.wrap(getattr(os, name)))
            with contextlib.suppress(CutError):
                FieldClient(store=root, secrets=ring).close()
        cut = cutter.cut
        FieldClient(store=root, secrets=ring).close()
        step += 1
    assert step > 5


def test_bytes_are_durable_before_their_name_and_the_name_before_the_row(
    open_client: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = open_client()
    client.enrol(CODE, name="phone")
    seen: list[str] = []

    def place(descriptor: int) -> str:
        opened = Path(f"/proc/self/fd/{descriptor}").readlink()
        return opened.relative_to(client.root).parts[0]

    def fsync(descriptor: int, real: Callable[[int], None] = os.fsync) -> None:
        seen.append(f"fsync {place(descriptor)}")
        real(descriptor)

    def replace(source: Path, target: Path, real: Callable[..., None] = os.replace) -> None:
        seen.append(f"rename to {Path(target).relative_to(client.root).parts[0]}")
        real(source, target)

    def run(store: Store, sql: str, *values: object, real: Callable[..., int] = Store.run) -> int:
        word = sql.split(maxsplit=1)[0]
        seen.append(word if word in {"BEGIN", "COMMIT"} else "write")
        return real(store, sql, *values)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        patch.setattr(os, "replace", replace)
        patch.setattr(Store, "run", run)
        client.capture(b"evidence", name="a.jpg")
    assert [step for step in seen if step != "write"] == [
        "fsync tmp",
        "fsync intents",
        "rename to intents",
        "fsync intents",
        "rename to files",
        "fsync files",
        "BEGIN",
        "COMMIT",
    ]
    assert "write" not in seen[: seen.index("BEGIN")]
