import hmac
import json

import pytest

from client_sdk.protocol.errors import LeafError
from client_sdk.protocol.tlog.leaves import CaseLink, Leaf, case_tag, leaf_text, parse_leaf
from client_sdk.protocol.tlog.merkle import leaf_hash

PC, PREV = "a" * 64, "0" * 64
HEADER = f'{{"ep":1,"pc":"{PC}","prev":"{PREV}","seq":1,"src":"dev","v":1}}'
RX = "2026-01-01T00:00:00.000Z"
TAG = case_tag(bytes(32), "（2026）虚0102执1号")
FIRST = CaseLink(TAG, 1, None)
LATER = CaseLink(TAG, 2, "b" * 64)


def text_of(case: CaseLink | None = FIRST) -> str:
    return leaf_text(k="kid-1", h=HEADER, s="A" * 86, rx=RX, case=case)


def test_the_text_of_a_leaf_is_fixed() -> None:
    assert text_of(None) == (
        '{"c":null,"h":' + json.dumps(HEADER) + ',"k":"kid-1","rx":"2026-01-01T00:00:00.000Z",'
        '"s":"' + "A" * 86 + '","v":1}'
    )
    assert text_of(LATER).startswith('{"c":{"cp":"' + "b" * 64 + '","cs":2,"ct":"' + TAG + '"},')
    assert text_of(FIRST).startswith('{"c":{"cp":null,"cs":1,"ct":"')


@pytest.mark.parametrize("case", [None, FIRST, LATER])
def test_a_leaf_survives_its_text(case: CaseLink | None) -> None:
    leaf = parse_leaf(text_of(case))
    assert leaf == Leaf("kid-1", HEADER, "A" * 86, RX, case)
    assert parse_leaf(leaf.to_text().encode()) == leaf
    assert leaf.hash() == leaf_hash(text_of(case).encode())


def test_the_tag_of_a_case_is_blind() -> None:
    key = bytes(range(32))
    full = hmac.new(key, "（2026）虚0102执1号".encode(), "sha256").hexdigest()
    assert case_tag(key, "（2026）虚0102执1号") == full[:32]
    assert case_tag(bytes(32), "（2026）虚0102执1号") != full[:32]


def change(**members: object) -> str:
    value = json.loads(text_of()) | members
    return json.dumps(
        {name: item for name, item in value.items() if item is not ...},
        sort_keys=True, ensure_ascii=False, separators=(",", ":"),
    )  # fmt: skip


def test_the_helper_changes_nothing_by_itself() -> None:
    assert change() == text_of()


C = {"ct": TAG, "cs": 1, "cp": None}


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "[]", "{}", text_of() + "\n", " " + text_of(), text_of().replace(",", ", ", 1),
        text_of().replace('"v":1', '"v":1,"v":1'), text_of().replace('"v":1', '"v":1.0'),
        change(x=1), change(c=...), change(h=...), change(k=...), change(rx=...), change(s=...),
        change(v=...), change(v=2), change(v="1"), change(v=True), change(k=""), change(k=5),
        change(k="a b"), change(k="a" * 129), change(k="钥"), change(h=""), change(h={}),
        change(h="a" * 1025), change(h="{\n}"), change(s=""), change(s="A" * 85),
        change(s="A" * 85 + "B"), change(s=None), change(rx="2026-01-01"), change(rx=0),
        change(c=[]), change(c={}), change(c=0), change(c=C | {"x": 1}), change(c=C | {"cs": 0}),
        change(c=C | {"cs": -1}), change(c=C | {"cs": "1"}), change(c=C | {"cs": True}),
        change(c=C | {"cs": 2}), change(c=C | {"cp": "b" * 64}), change(c=C | {"cs": 2**53}),
        change(c=C | {"cs": 2, "cp": "B" * 64}), change(c=C | {"cs": 2, "cp": "b" * 63}),
        change(c=C | {"ct": TAG.upper()}), change(c=C | {"ct": TAG[:-1]}), change(c=C | {"ct": 5}),
        change(h="a" * 5000), change(c=C | {"cs": 0, "cp": "b" * 64}),
        change(c=C | {"cs": -1, "cp": "b" * 64}),
    ],
)  # fmt: skip
def test_malformed_leaves_are_refused(text: str) -> None:
    with pytest.raises(LeafError):
        parse_leaf(text)


def test_a_leaf_is_checked_when_it_is_made() -> None:
    for k, h, s, rx in (
        ("a b", HEADER, "A" * 86, RX),
        ("k", "", "A" * 86, RX),
        ("k", HEADER, "A", RX),
        ("k", HEADER, "A" * 86, "now"),
    ):
        with pytest.raises(LeafError):
            leaf_text(k=k, h=h, s=s, rx=rx, case=None)
    with pytest.raises(LeafError):
        CaseLink(TAG, 2**53, "b" * 64)
