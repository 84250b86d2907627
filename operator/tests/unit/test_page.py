"""What is on the page: read from its HTML, as a browser would."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus

import pytest

from paddle_serving_operator.page.site import Site
from paddle_serving_operator.view.overview import Objects

from .pages import NOW, PAGES, REPORT, SERVICE, Known, beside, canary, full_report, healthy, read, site, text
from .things import NEW, OLD, Json, condition, event, report, service, shifting, track


@pytest.fixture(scope="module")
def canary_site() -> Site:
    """A canary in its first step."""
    return site(canary())


def test_the_list_has_every_service_of_every_namespace() -> None:
    known = Known(beside("det", "vision", phase="Failed", observedGeneration=2), beside("new", "vision"))
    known.put(canary())
    page = Site(known, lambda: NOW)
    shown = read(page, "/")
    assert "3 services" in shown
    assert f"ocr shop Progressing True 20% step 1/2 {OLD} Recorded 120m" in shown
    assert "det vision Failed" in shown
    assert "new vision Pending" in shown
    assert "ocr shop" not in read(page, "/?namespace=vision")
    assert "There is no PaddleService in namespace nowhere." in read(page, "/?namespace=nowhere")
    assert 'href="./services/shop/ocr"' in page.answer("/").body.decode()


def test_a_long_list_is_cut_and_says_so() -> None:
    known = Known(*(beside(f"s{index}", "many") for index in range(501)))
    assert "1 more are not shown. Choose a namespace." in read(Site(known, lambda: NOW), "/")


def test_a_cluster_without_services_and_what_is_not_known_are_told() -> None:
    known = Known()
    known.sentences = ("The operator has not read everything yet.",)
    shown = read(Site(known, lambda: NOW), "/")
    assert "There is no PaddleService." in shown
    assert "The operator has not read everything yet." in shown


@pytest.mark.parametrize(
    "part",
    [
        f"Revision {NEW} is in step 1 of 2: 20%, 37s of 60s left.",
        "HoldingStep: The share is held.",
        "Strategy Canary Stage Shifting, for 60s Address http://ocr.shop.svc Age 120m",
        "✔ proof (done) ▶ step 1 of 2: 20% (now, 37s of 60s left)",
        "○ step 2 of 2: 50% (next, pause until resume or promote) ○ all traffic (next)",
        f"stable revision {OLD} has 80 percent. canary revision {NEW} has 20 percent.",
        f"{OLD} no. 2 stable 80% 2 of 2 runtime:1 sha256:aaaaaaaaaaaa…",
        "ocr-1-x2k4p yes Running 0 60m node-1",
        "ocr-2-m5t7w no Running",
        "Ready: True Available, for 60s 2 of 2 pods answer.",
        "All that the cluster still keeps Reason Type Age Message StepEntered Warning 60s Step 1 of 2. RolloutStarted",
        f"RolloutStarted Normal 2m Revision {NEW} is started. Proof",
        "Verdict Recorded: 3 golden samples agree with Paddle Inference and the recorded answers.",
        "Drift 1 of 3 golden samples answered differently. Allowed: relative 0, absolute 0.",
        "Served answers against Paddle Inference 6 tensors, all the same, bit for bit.",
        "4 of 6 tensors of 3 samples differ, 2 by more than may be.",
        "hello.json , tensor score , element [0, 17] expected 0. 25 got 0. 75 apart absolute 0.5, relative 2",
        "expected 0.9992 426 got 0.9992 519 apart absolute 1.2e-07, relative 1.2e-07, 2 steps in the last place",
        "expected 飞桨服务 化部署 got 飞桨服务 诧部署",
        f"Revision 3 ({NEW}) being rolled out",
        "2 fields differ from the one before model.digest",
        "engine.workers 2 becomes 4",
        f"Revision 2 ({OLD}) serves",
        "The first one on record.",
    ],
)
def test_a_service_has_its_rollout_proof_and_history(canary_site: Site, part: str) -> None:
    assert part in read(canary_site, SERVICE)


def test_a_service_of_which_nothing_is_known_yet_says_so() -> None:
    shown = read(site(Objects(service())), SERVICE)
    for part in (
        "The operator has not looked at generation 2 of the spec yet.",
        "No revision has pods yet.",
        "The operator has not said anything yet.",
        "No revision has been proved yet.",
        "No revision is on record yet.",
    ):
        assert part in shown


def test_of_many_events_the_newest_are_shown_and_how_many_there_are() -> None:
    objects = canary()
    told = [event("Told", f"the {minute:02d}th", f"2026-11-29T11:{minute:02d}:00Z") for minute in range(16)]
    shown = read(site(replace(objects, events=tuple(told))), SERVICE)
    assert "The newest 15 of 16" in shown
    assert "the 15th" in shown
    assert "the 00th" not in shown
    assert shown.index("the 15th") < shown.index("the 01th")
    assert "The cluster keeps no event of this service." in read(site(replace(objects, events=())), SERVICE)


def test_what_the_status_says_of_a_proof_is_shown_before_there_is_a_report() -> None:
    shown = read(site(Objects(shifting())), SERVICE)
    assert "Verdict Recorded" in shown
    assert f"There is no report of revision {NEW} yet" in shown
    assert "expected 0. 25 got 0. 75" in shown
    assert "Allowed" not in shown, "the status does not say how much"


def test_a_stopped_rollout_says_why_and_where() -> None:
    said = "1 of 3 answers differ."
    raw = shifting()
    raw["status"] |= {"phase": "Failed", "stable": track(OLD, "a", 2, 100), "canary": None}
    raw["status"]["rollout"] = {"stable": OLD, "stage": "Halted", "candidate": NEW, "step": 0, "why": {"reason": "DriftTooLarge", "message": said}}  # fmt: skip  # noqa: E501
    raw["status"]["conditions"] = [condition("Progressing", "False", "DriftTooLarge", said)]
    shown = read(site(Objects(raw)), SERVICE)
    assert f"Revision {NEW} was stopped in step 1 of 2: 20%. DriftTooLarge: {said}" in shown
    assert "✔ proof (done) ✘ step 1 of 2: 20% (stopped, pause 60s)" in shown


def test_the_report_has_every_comparison(canary_site: Site) -> None:
    shown = read(canary_site, REPORT)
    assert "hello.json score recorded yes 3 of 40 1.2e-07 1.2e-07" in shown
    assert "chinese.json text recorded ✘ no 3 of 40 - -" in shown
    assert "Golden samples sha256:cccccccccccc" in shown
    assert "nobody has checked it here" in shown


def test_the_worst_elements_stand_below_their_picture_the_worst_first(canary_site: Site) -> None:
    shown = read(canary_site, REPORT)
    drift = shown.index("This revision against the one that serves")
    recorded = shown[shown.index("Paddle Inference against the recorded answers") : drift]
    far = re.findall(
        r"tensor (\w+) , element \[0, 17\]( more than may be)? expected .*?(?:relative ([\d.e-]+)|(?=chin|a-v))",
        recorded,
    )
    assert [(tensor, bool(beyond)) for tensor, beyond, _ in far] == [
        ("text", True),
        ("score", True),
        ("score", False),
        ("score", False),
    ]
    assert [size for _, _, size in far] == ["", "0.49", "0.0031", "1.2e-07"]
    assert "expected 0. 25 got 0. 75" in shown[drift:]


def test_a_report_that_cannot_be_read_or_is_not_there_is_told() -> None:
    torn = report(NEW)
    torn["data"]["report.json"] = '{"verdict": '
    assert "The report cannot be read." in read(site(Objects(shifting(), reports=(torn,))), REPORT)
    missing = read(site(canary()), f"{SERVICE}/reports/{OLD}", HTTPStatus.NOT_FOUND)
    assert f"There is no report of revision {OLD}" in missing
    assert f"There are reports of {NEW}." in missing


def test_a_report_of_another_service_is_not_taken_for_its_own() -> None:
    foreign = full_report()
    foreign["metadata"]["ownerReferences"] = [{"uid": "another"}]
    read(site(Objects(shifting(), reports=(foreign,))), REPORT, HTTPStatus.NOT_FOUND)


def test_any_two_revisions_are_compared() -> None:
    made = site(canary())
    assert f"From 2 ({OLD}) to 3 ({NEW})" in read(made, f"{SERVICE}/changes")
    assert "engine.workers 4 becomes 2" in read(made, f"{SERVICE}/changes?from=3&to=2")
    assert "Of one of them only model and image are on record." in read(made, f"{SERVICE}/changes?from=1&to={NEW}")
    assert "Nothing on record differs." in read(made, f"{SERVICE}/changes?from=2&to=2")
    nowhere = read(made, f"{SERVICE}/changes?from=7", HTTPStatus.NOT_FOUND)
    assert f"No such revision is on record. There is 1 (0000000000), 2 ({OLD}), 3 ({NEW})." in nowhere


@pytest.mark.parametrize(
    ("path", "part"),
    [
        (
            "/services/shop/ocrr",
            "There is no PaddleService ocrr in namespace shop. What is there shop / ocr Progressing",
        ),
        ("/services/elsewhere/ocr", "in namespace elsewhere. What is there shop / ocr"),
        ("/services/shop", "There is no such page."),
        (f"{SERVICE}/nothing", "There is no such page. What is there shop / ocr"),
        ("/static/../../settings.py", "There is no such page."),
        ("/style.css/", "There is no such page."),
        ("//", "3 services"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(path: str, part: str) -> None:
    known = Known(beside("det", "vision"), beside("new", "vision"))
    known.put(canary())
    made = Site(known, lambda: NOW)
    answer = made.answer(path)
    assert part in text(answer)
    assert answer.status is (HTTPStatus.OK if path == "//" else HTTPStatus.NOT_FOUND)


def test_the_same_page_is_not_sent_twice() -> None:
    made = site(canary())
    first = made.answer(SERVICE)
    again = made.answer(SERVICE, first.headers["ETag"])
    assert (again.status, again.body) == (HTTPStatus.NOT_MODIFIED, b"")
    assert made.answer("/", first.headers["ETag"]).status is HTTPStatus.OK


def test_a_page_is_made_once_a_second_however_many_look_at_it() -> None:
    known, now = Known(shifting()), [NOW]
    made = Site(known, lambda: now[0])
    before = made.answer(SERVICE).body
    known.put(Objects(healthy()))
    now[0] = NOW + timedelta(seconds=0.9)
    assert made.answer(SERVICE).body == before
    now[0] = NOW + timedelta(seconds=1)
    assert b"ocr: Healthy" in made.answer(SERVICE).body


def test_looking_changes_nothing() -> None:
    known = Known()
    known.put(canary())
    before = json.dumps([list(map(str, known.things)), str(known.things)])
    made = Site(known, lambda: NOW)
    for path in PAGES:
        made.answer(path)
    assert json.dumps([list(map(str, known.things)), str(known.things)]) == before


def broken(value: object) -> Json:
    raw = shifting()
    raw["status"] = dict.fromkeys(raw["status"], value) | {"observedGeneration": 2}
    raw["spec"]["rollout"] = value
    return raw


@pytest.mark.parametrize("value", [None, 7, "text", [], [None], {}, {"revision": 7}])
def test_a_status_of_another_shape_breaks_nothing(value: object) -> None:
    read(site(Objects(broken(value))), SERVICE)
    read(site(Objects(broken(value))), "/")
