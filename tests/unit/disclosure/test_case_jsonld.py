"""The report as CASE/UCO: whole, typed, with ids that follow from the facts.

Validated by hand with ``case_validate`` of case-utils against CASE 1.5.0.
"""

from __future__ import annotations

import json
import re
from typing import Any

from server.disclosure.case_jsonld import case_jsonld
from tests.factories.disclosure import PHONE, report

UUID_END = re.compile(r"kb:[a-z-]+-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def graph() -> list[dict[str, Any]]:
    document: dict[str, Any] = json.loads(case_jsonld(report()))
    nodes: list[dict[str, Any]] = document["@graph"]
    return nodes


def of_type(kind: str) -> list[dict[str, Any]]:
    return [node for node in graph() if node["@type"] == kind]


def all_ids(value: Any) -> list[str]:
    if isinstance(value, list):
        return [one for item in value for one in all_ids(item)]
    if isinstance(value, dict):
        own = [value["@id"]] if "@id" in value and len(value) > 1 else []
        return own + [one for item in value.values() for one in all_ids(item)]
    return []


def references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [one for item in value for one in references(item)]
    if isinstance(value, dict):
        if set(value) == {"@id"}:
            return [value["@id"]]
        return [one for item in value.values() for one in references(item)]
    return []


def test_every_item_is_an_exhibit_of_the_investigation() -> None:
    records = of_type("case-investigation:ProvenanceRecord")
    assert [one["case-investigation:exhibitNumber"] for one in records] == ["1", "2"]
    (investigation,) = of_type("case-investigation:Investigation")
    assert investigation["uco-core:name"] == "(2026)样0101执1号"
    named = set(references(investigation["uco-core:object"]))
    assert {one["@id"] for one in records} <= named


def test_digests_and_sizes_are_typed() -> None:
    content = of_type("uco-observable:File")[0]["uco-core:hasFacet"][0]
    digest = content["uco-observable:hash"][0]
    assert digest["uco-types:hashValue"]["@type"] == "xsd:hexBinary"
    assert content["uco-observable:sizeInBytes"] == {"@type": "xsd:integer", "@value": "1"}


def test_nothing_refers_to_what_is_not_there() -> None:
    nodes = graph()
    ids = all_ids(nodes)
    assert len(set(ids)) == len(ids)
    assert all(UUID_END.fullmatch(one) for one in ids)
    assert set(references(nodes)) <= set(ids)
    assert any(PHONE.name == node.get("uco-core:name") for node in nodes)


def test_the_same_facts_give_the_same_bytes() -> None:
    assert case_jsonld(report()) == case_jsonld(report())
