"""What is at which path of the page: a function of what is known and of the time, which changes nothing."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qs, unquote

from paddle_serving_operator.page.answers import HTML, Answer, tagged
from paddle_serving_operator.page.evidence import Evidence, evidence
from paddle_serving_operator.page.history import difference, rows
from paddle_serving_operator.page.recent import Recent
from paddle_serving_operator.page.rendering import html, templates
from paddle_serving_operator.page.source import Source
from paddle_serving_operator.view.overview import Objects, Overview, overview, read_report, report_texts
from paddle_serving_operator.view.service import Service, services_of

MOST_SERVICES = 500
MOST_ELEMENTS = 20  # on the page of a service; the report's own page has more
MOST_ROWS = 1000
PARSED_REPORTS = 4  # up to half a mebibyte of JSON each
NEAR = 3

ASSETS = {
    "/style.css": "text/css; charset=utf-8",
    "/live.js": "text/javascript; charset=utf-8",
    "/icon.svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Request:
    """A path below the page's own, its query, the moment, and how links get back up to the list of services."""

    segments: tuple[str, ...]
    query: Mapping[str, str]
    up: str
    now: datetime


class Site:
    """Answers what the source knows. Safe for several threads."""

    def __init__(self, source: Source, now: Callable[[], datetime]) -> None:
        """`now`: the time with its zone."""
        self._source = source
        self._recent = Recent(now)
        self._templates = templates()
        self._read = lru_cache(PARSED_REPORTS)(read_report)
        folder = Path(__file__).parent / "static"
        self._assets = {
            path: Answer(HTTPStatus.OK, kind, (folder / path[1:]).read_bytes()) for path, kind in ASSETS.items()
        }

    def answer(self, target: str, known: str = "") -> Answer:
        """The answer to a path with its query, of which the browser has `known` (an ETag) already."""
        found = self._assets.get(target) or self._recent.get(target, lambda now: self._page(_request(target, now)))
        return tagged(found, known)

    def _page(self, asked: Request) -> Answer:
        match asked.segments:
            case ():
                return self._services(asked)
            case ("services", namespace, name, *rest):
                objects = self._source.objects(namespace, name)
                if objects is None:
                    return self._missing(asked, *self._no_service(namespace, name))
                return self._of_service(asked, objects, tuple(rest))
            case _:
                return self._missing(asked, "There is no such page.", ())

    def _services(self, asked: Request) -> Answer:
        every = services_of(self._source.services())
        namespaces = Counter(service.namespace for service in every)
        chosen = asked.query.get("namespace", "")
        found = [service for service in every if chosen in {"", service.namespace}]
        return self._html(
            asked,
            "services.html",
            services=found[:MOST_SERVICES],
            more=len(found) - len(found[:MOST_SERVICES]),
            namespaces=sorted(namespaces.items()),
            chosen=chosen,
        )

    def _of_service(self, asked: Request, objects: Objects, rest: tuple[str, ...]) -> Answer:
        bare = replace(objects, reports=())  # half a mebibyte of JSON each, of which a page needs one
        found = overview(bare, asked.now)
        texts = report_texts(objects.reports, found.service.uid)
        match rest:
            case ():
                return self._service(asked, found, texts)
            case ("reports", revision):
                return self._report(asked, found, revision, texts)
            case ("changes",):
                return self._changes(asked, found)
            case _:
                return self._missing(asked, "There is no such page.", (found.service,))

    def _service(self, asked: Request, found: Overview, texts: Mapping[str, str]) -> Answer:
        newest = found.rollout.candidate or (found.service.stable.revision if found.service.stable else "")
        return self._html(
            asked,
            "service.html",
            found=found,
            service=found.service,
            rollout=found.rollout,
            evidence=self._evidence(found, newest, texts),
            rows=rows(found, frozenset(texts)),
            most=MOST_ELEMENTS,
        )

    def _report(self, asked: Request, found: Overview, revision: str, texts: Mapping[str, str]) -> Answer:
        if revision not in texts:
            known = f" There are reports of {', '.join(sorted(texts))}." if texts else ""
            sentence = f"There is no report of revision {revision}: its first pod gives it once it is proved.{known}"
            return self._missing(asked, sentence, (found.service,))
        made = self._evidence(found, revision, texts)
        return self._html(
            asked, "report.html", found=found, service=found.service, evidence=made, most=MOST_ROWS, report=made.report
        )

    def _changes(self, asked: Request, found: Overview) -> Answer:
        made = difference(found, asked.query.get("from", ""), asked.query.get("to", ""))
        if made is None:
            known = ", ".join(record.title for record in found.records)
            sentence = "No such revision is on record." + (f" There is {known}." if known else "")
            return self._missing(asked, sentence, (found.service,))
        return self._html(asked, "changes.html", found=found, service=found.service, difference=made)

    def _evidence(self, found: Overview, revision: str, texts: Mapping[str, str]) -> Evidence:
        report = self._read(texts[revision], revision) if revision in texts else None
        return evidence(revision, found.service.proof, report)

    def _no_service(self, namespace: str, name: str) -> tuple[str, tuple[Service, ...]]:
        """What to say of a service that is not known, and those that may be meant."""
        every = services_of(self._source.services())
        beside = [service for service in every if service.namespace == namespace]
        names = get_close_matches(name, [service.name for service in beside], n=NEAR)
        near = [service for service in beside if service.name in names]
        elsewhere = [service for service in every if service.name == name]
        sentence = f"There is no PaddleService {name} in namespace {namespace}."
        return sentence, (*near, *elsewhere)[: 2 * NEAR]

    def _missing(self, asked: Request, sentence: str, near: tuple[Service, ...]) -> Answer:
        return self._html(asked, "missing.html", HTTPStatus.NOT_FOUND, sentence=sentence, near=near)

    def _html(self, asked: Request, name: str, status: HTTPStatus = HTTPStatus.OK, **values: object) -> Answer:
        common = {"up": asked.up, "now": asked.now, "gaps": self._source.gaps()}
        return Answer(status, HTML, html(self._templates, name, {**common, **values}))


def _request(target: str, now: datetime) -> Request:
    path, _, query = target.partition("?")
    return Request(
        segments=tuple(unquote(part) for part in path.split("/") if part),
        query={name: values[-1] for name, values in parse_qs(query).items()},
        up="../" * (path.count("/") - 1) or "./",
        now=now,
    )
