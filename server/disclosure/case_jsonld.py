"""The report's facts as CASE/UCO JSON-LD (caseontology.org, unifiedcyberontology.org).

A derived view for tools that read CASE; ids follow from the export's, so that the same facts give
the same bytes.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from client_sdk.protocol.times import format_rfc3339
from server.disclosure.facts import Derivative, Device, Item, Moment, Person, Place, Report, Step

_CONTEXT: Final = {
    "case-investigation": "https://ontology.caseontology.org/case/investigation/",
    "kb": "http://example.org/kb/",
    "uco-action": "https://ontology.unifiedcyberontology.org/uco/action/",
    "uco-core": "https://ontology.unifiedcyberontology.org/uco/core/",
    "uco-identity": "https://ontology.unifiedcyberontology.org/uco/identity/",
    "uco-location": "https://ontology.unifiedcyberontology.org/uco/location/",
    "uco-observable": "https://ontology.unifiedcyberontology.org/uco/observable/",
    "uco-types": "https://ontology.unifiedcyberontology.org/uco/types/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
Node = dict[str, Any]


def case_jsonld(report: Report) -> bytes:
    """The graph of a report, UTF-8."""
    graph = _Graph(report)
    for person in report.people:
        graph.add(graph.person(person))
    for device in report.devices:
        graph.add(graph.device(device))
    exhibits = [graph.item(number, item) for number, item in enumerate(report.items, 1)]
    actions = [graph.action(step, ()) for step in report.steps]
    graph.investigation(exhibits, actions)
    document = {"@context": _CONTEXT, "@graph": graph.nodes}
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


class _Graph:
    def __init__(self, report: Report) -> None:
        self._report = report
        self.nodes: list[Node] = []
        self._there: set[str] = set()

    def add(self, node: Node) -> Node:
        if node["@id"] not in self._there:
            self._there.add(node["@id"])
            self.nodes.append(node)
        return {"@id": node["@id"]}

    def id_of(self, kind: str, *parts: object) -> str:
        """An id that ends in a UUID, as UCO asks."""
        name = "\0".join(map(str, (kind, *parts)))
        return f"kb:{kind}-{uuid.uuid5(self._report.export_id, name)}"

    def person(self, person: Person) -> Node:
        return {
            "@id": self.id_of("person", person.id),
            "@type": "uco-identity:Person",
            "uco-core:name": person.name,
            "uco-core:description": person.post,
        }

    def device(self, device: Device) -> Node:
        facet = {
            "@id": self.id_of("device-facet", device.id),
            "@type": "uco-observable:DeviceFacet",
            "uco-observable:deviceType": device.kind,
            **_known(
                {
                    "uco-observable:model": device.model,
                    "uco-observable:serialNumber": device.serial,
                }
            ),
        }
        return {
            "@id": self.id_of("device", device.id),
            "@type": "uco-observable:Device",
            "uco-core:name": device.name,
            "uco-core:hasFacet": [facet],
        }

    def item(self, number: int, item: Item) -> Node:
        """The object, the record of where it comes from, and what was done with it."""
        key = item.id or f"{item.source.hid}/{item.sha256}"
        traced = self.add(self._object(key, item))
        location = self._location(key, item.place)
        capture = {
            "@id": self.id_of("capture", key),
            "@type": "case-investigation:InvestigativeAction",
            "uco-core:name": "capture",
            **_known({"uco-action:startTime": _moment(item.moment)}),
            "uco-action:performer": [
                {"@id": self.id_of("person", one.id)} for one in item.officers[:1]
            ],
            "uco-action:instrument": [{"@id": self.id_of("device", item.captured_by)}],
            "uco-action:location": [] if location is None else [location],
            "uco-action:result": [traced],
        }
        self.add(_without_empty(capture))
        for step in item.custody:
            self.action(step, (traced,))
        for made in item.derivatives:
            self._derived(key, traced, made)
        return self.add(
            {
                "@id": self.id_of("provenance", key),
                "@type": "case-investigation:ProvenanceRecord",
                "case-investigation:exhibitNumber": str(number),
                "uco-core:description": f"log entry {item.source.log_index}",
                "uco-core:object": [traced],
            }
        )

    def action(self, step: Step, objects: Iterable[Node]) -> Node:
        """One event of the log."""
        people = {person.name: person.id for person in self._report.people}
        performer = people.get(step.by or "")
        node = {
            "@id": self.id_of("event", step.log_index),
            "@type": "case-investigation:InvestigativeAction",
            "uco-core:name": step.kind,
            **_known({"uco-core:description": step.purpose or step.detail}),
            "uco-action:startTime": _typed("dateTime", step.at),
            "uco-action:performer": (
                [] if performer is None else [{"@id": self.id_of("person", performer)}]
            ),
            "uco-action:object": list(objects),
        }
        return self.add(_without_empty(node))

    def investigation(self, exhibits: list[Node], actions: list[Node]) -> None:
        report = self._report
        self.add(
            _without_empty(
                {
                    "@id": self.id_of("investigation", report.case.id),
                    "@type": "case-investigation:Investigation",
                    "uco-core:name": report.case.case_no,
                    **_known({"uco-core:description": report.case.cause}),
                    "uco-core:object": [*exhibits, *actions],
                }
            )
        )

    def _object(self, key: object, item: Item) -> Node:
        content = self._content(key, item.sha256, item.mime, item.size_bytes)
        file = {
            "@id": self.id_of("file-facet", key),
            "@type": "uco-observable:FileFacet",
            "uco-observable:fileName": item.name.decode("utf-8", "replace"),
            "uco-observable:sizeInBytes": _typed("integer", str(item.size_bytes)),
        }
        return {
            "@id": self.id_of("file", key),
            "@type": "uco-observable:File",
            "uco-core:hasFacet": [content, file],
        }

    def _content(self, key: object, sha256: str, mime: str, size_bytes: int) -> Node:
        digest = {
            "@id": self.id_of("hash", key),
            "@type": "uco-types:Hash",
            "uco-types:hashMethod": "SHA256",
            "uco-types:hashValue": _typed("hexBinary", sha256),
        }
        return {
            "@id": self.id_of("content-facet", key),
            "@type": "uco-observable:ContentDataFacet",
            "uco-observable:mimeType": mime,
            "uco-observable:sizeInBytes": _typed("integer", str(size_bytes)),
            "uco-observable:hash": [digest],
        }

    def _derived(self, original: object, traced: Node, made: Derivative) -> None:
        """A thumbnail or the like, and what it was made from; not in the package itself."""
        key = f"{original}/{made.name}"
        facet = self._content(key, made.sha256, made.mime, made.size_bytes)
        node = {
            "@id": self.id_of("file", key),
            "@type": "uco-observable:File",
            "uco-core:name": made.name,
            "uco-core:hasFacet": [facet],
        }
        self.add(
            {
                "@id": self.id_of("derivation", key),
                "@type": "uco-observable:ObservableRelationship",
                "uco-core:source": self.add(node),
                "uco-core:target": traced,
                "uco-core:kindOfRelationship": "Derived_From",
                "uco-core:isDirectional": True,
            }
        )

    def _location(self, key: object, place: Place) -> Node | None:
        if place.lat is None or place.lon is None:
            return None
        facet = {
            "@id": self.id_of("position", key),
            "@type": "uco-location:LatLongCoordinatesFacet",
            "uco-location:latitude": _typed("decimal", place.lat),
            "uco-location:longitude": _typed("decimal", place.lon),
        }
        return self.add(
            {
                "@id": self.id_of("location", key),
                "@type": "uco-location:Location",
                "uco-core:description": f"{place.datum}, {place.source}",
                "uco-core:hasFacet": [facet],
            }
        )


def _typed(kind: str, value: str) -> Node:
    return {"@type": f"xsd:{kind}", "@value": value}


def _moment(moment: Moment) -> Node | None:
    return _typed("dateTime", _text(moment.at))


def _text(at: datetime) -> str:
    return format_rfc3339(at)


def _known(members: Node) -> Node:
    return {name: value for name, value in members.items() if value is not None}


def _without_empty(node: Node) -> Node:
    return {name: value for name, value in node.items() if value != []}
