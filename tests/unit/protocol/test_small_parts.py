import random
import threading
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.protocol import clock, enrolment, ids, timeqr, times
from client_sdk.protocol.errors import ProtocolError, TimeFormatError, TimeQrError
from client_sdk.protocol.keys import Algorithm, PrivateKey

KEY = PrivateKey.generate(Algorithm.ED25519)


# --- ids


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_uuid7_layout(now_ms: int, data: bytes) -> None:
    identifier = ids.uuid7(now_ms, data)
    assert identifier.version == 7
    assert identifier.variant == "specified in RFC 4122"
    assert identifier.int >> 80 == now_ms


def test_uuid7_of_rfc_9562_appendix_a6() -> None:
    random_bits = 0xCC3 << 62 | 0x18C4DC0C0C07398F
    data = (random_bits << 6).to_bytes(10)
    assert ids.uuid7(0x017F22E279B0, data) == UUID("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")


@pytest.mark.parametrize(("now_ms", "size"), [(-1, 10), (2**48, 10), (0, 9), (0, 16)])
def test_uuid7_refuses(now_ms: int, size: int) -> None:
    with pytest.raises(ProtocolError):
        ids.uuid7(now_ms, bytes(size))


@given(st.lists(st.integers(-5, 5), max_size=50), st.integers(0, 2**32))
def test_ids_grow_whatever_the_clock_does(steps: list[int], seed: int) -> None:
    now = 1_700_000_000_000
    source = ids.IdSource(lambda: now, random.Random(seed).randbytes)
    made = [source()]
    for step in steps:
        now += step
        made.append(source())
    assert made == sorted(set(made))
    assert all(identifier.version == 7 for identifier in made)


def test_a_full_counter_goes_on_in_the_next_millisecond() -> None:
    source = ids.IdSource(lambda: 5, lambda size: b"\xff" * size)
    first = source()
    source._last_bits = 2**74 - 1
    later = source()
    assert later > first
    assert later.int >> 80 == 6


def test_threads_get_different_ids() -> None:
    source = ids.IdSource(lambda: 7, random.Random(1).randbytes)
    made: list[UUID] = []
    threads = [
        threading.Thread(target=lambda: made.extend(source() for _ in range(200))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 800


def test_short_code() -> None:
    assert ids.short_code(UUID(int=0)) == "0000-0000"
    assert ids.short_code(UUID(int=2**128 - 1)) == "ZZZZ-ZZZZ"
    assert ids.short_code(UUID(int=0b00111_01111_00011_10011_00010_01001_10111_11101)) == (
        "7F3K-29QX"
    )


@given(st.uuids())
def test_short_codes_have_no_letters_that_sound_alike(identifier: UUID) -> None:
    assert not set(ids.short_code(identifier)) & set("ILOU")


# --- time QR


@pytest.mark.parametrize("alg", list(Algorithm))
def test_time_qr(alg: Algorithm) -> None:
    key = PrivateKey.generate(alg)
    code = timeqr.make(1_795_399_200_123, bytes(9), key)
    assert code.text.startswith("TZ1|1795399200123|AAAAAAAAAAAA|")
    parsed = timeqr.parse(code.text)
    assert parsed == code
    assert timeqr.verify(parsed, key.public)
    assert not timeqr.verify(parsed, PrivateKey.generate(alg).public)
    moved = timeqr.parse(code.text.replace("0123|", "0124|"))
    assert not timeqr.verify(moved, key.public)


@given(st.text(max_size=120))
def test_any_other_text_is_a_typed_error(text: str) -> None:
    with pytest.raises(TimeQrError):
        timeqr.parse(text)


def test_time_qr_forms_that_are_refused() -> None:
    text = timeqr.make(1, bytes(9), KEY).text
    for other in (
        text + "\n",
        "TZ2" + text[3:],
        text.replace("|1|", "|01|"),
        text[:-1],
        text + "A",
    ):
        with pytest.raises(TimeQrError):
            timeqr.parse(other)
    for now, nonce in ((-1, bytes(9)), (10**16, bytes(9)), (1, bytes(8))):
        with pytest.raises(TimeQrError):
            timeqr.make(now, nonce, KEY)


# --- clock

_DELAY = st.integers(0, 10_000)


@given(true_offset=st.integers(-(10**9), 10**9), up=_DELAY, busy=_DELAY, down=_DELAY, t1=_DELAY)
def test_the_true_offset_lies_within_the_error(
    true_offset: int, up: int, busy: int, down: int, t1: int
) -> None:
    t2 = t1 + true_offset + up
    t3 = t2 + busy
    t4 = t3 - true_offset + down
    found = clock.ClockOffset.from_exchange(t1, t2, t3, t4)
    assert abs(found.offset_ms - true_offset) <= found.error_ms
    assert found.error_ms <= (up + down) // 2 + 2


@pytest.mark.parametrize("ts", [(5, 0, 0, 4), (0, 5, 4, 9), (0, 0, 9, 5)])
def test_impossible_exchanges_are_refused(ts: tuple[int, int, int, int]) -> None:
    with pytest.raises(ProtocolError):
        clock.ClockOffset.from_exchange(*ts)


def test_class_a_goes_back_from_the_anchor() -> None:
    anchor = clock.MonoAnchor("boot", mono_ms=100_000_000, true_ms=2_000_000_000, error_ms=40)
    found = clock.by_monotonic(anchor, "boot", 40_000_000)
    assert found == clock.CorrectedTime(1_940_000_000, 40 + 3000, clock.ClockClass.A)
    later = clock.by_monotonic(anchor, "boot", 100_000_001)
    assert later == clock.CorrectedTime(2_000_000_001, 41, clock.ClockClass.A)
    assert clock.by_monotonic(anchor, "other boot", 40_000_000) is None


def test_class_c_moves_the_wall_clock() -> None:
    offset = clock.ClockOffset(-500, 20)
    assert clock.by_wall(1000, offset, doubt_ms=5) == clock.CorrectedTime(
        500, 25, clock.ClockClass.C
    )


# --- enrolment


@pytest.mark.parametrize("alg", list(Algorithm))
def test_enrolment_proof(alg: Algorithm) -> None:
    key = PrivateKey.generate(alg)
    proof = enrolment.enrolment_proof("ABCD-1234", key)
    assert enrolment.verify_enrolment_proof(proof, "ABCD-1234", key.public)
    assert not enrolment.verify_enrolment_proof(proof, "ABCD-1235", key.public)
    other = PrivateKey.generate(alg).public
    assert not enrolment.verify_enrolment_proof(proof, "ABCD-1234", other)
    assert not enrolment.verify_enrolment_proof("?", "ABCD-1234", key.public)


def test_invitation() -> None:
    invitation = enrolment.Invitation("https://bureau.test/tz", "7F3K-29QX", "A" * 43)
    assert enrolment.parse_invitation(invitation.text) == invitation
    assert enrolment.parse_invitation(f" {invitation.text}\n") == invitation
    for change in ("TZE2", "ftp://", "TZE1|https://x||", "", "7F3K-29QX"):
        with pytest.raises(ProtocolError) as caught:
            enrolment.parse_invitation(change + invitation.text[len(change) or 1 :])
        assert caught.value.code == "invitation"


# --- times


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1)))  # noqa: DTZ001
def test_times_survive_to_the_millisecond(when: datetime) -> None:
    text = times.format_rfc3339(when)
    assert times.format_rfc3339(times.parse_rfc3339(text)) == text
    assert times.unix_ms(times.from_unix_ms(times.unix_ms(when))) == times.unix_ms(when)


def test_offsets_are_kept() -> None:
    when = datetime(2026, 11, 23, 10, 0, 0, 123456, timezone(timedelta(hours=8)))
    assert times.format_local(when) == "2026-11-23T10:00:00.123+08:00"
    assert times.parse_rfc3339("2026-11-23T10:00:00.123456+08:00") == when
    assert times.parse_rfc3339("2026-11-23T10:00:00+08:00").utcoffset() == timedelta(hours=8)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T10:00:00",
        "2026-11-23 10:00:00Z",
        "2026-11-23",
        "2026-02-30T10:00:00Z",
        "2026-11-23T10:00:00+0800",
        "２026-11-23T10:00:00Z",
        "",
        None,
        5,
    ],
)
def test_times_that_are_refused(text: object) -> None:
    with pytest.raises(TimeFormatError):
        times.parse_rfc3339(text)


def test_a_naive_time_is_an_error() -> None:
    for write in (times.format_rfc3339, times.format_local, times.unix_ms):
        with pytest.raises(TimeFormatError):
            write(datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(TimeFormatError):
        times.from_unix_ms(10**18)
