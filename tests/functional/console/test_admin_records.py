"""Records at a real browser: a rule, a hold, a disposal by two people, a search, a failed job."""

from __future__ import annotations

import csv
import json
import uuid
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from client_sdk.protocol.ids import short_code
from server.cases.models import Case
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence.erasure_models import Erasure
from server.evidence.models import Evidence
from server.jobs.models import Job
from server.retention.models import LegalHold, RetentionClass
from tests.factories.identity import runtime_of
from tests.functional.console.conftest import Console

WORDS = {
    "zh": {
        "months": "保存月数", "try": "查看影响", "reason": "理由", "make": "制定此规则",
        "made": "规则已制定。", "target": "案号或短码", "place": "冻结", "held": "已冻结。",
        "lift": "解除", "lifted": "冻结已解除。", "propose": "提请销毁", "asked": "已提请 1 件",
        "approve": "同意并销毁", "erased": "已同意并销毁 1 件", "choose": "选择 ",
    },
    "en": {
        "months": "Months", "try": "See what changes", "reason": "Reason",
        "make": "Make this rule", "made": "The rule was made.",
        "target": "Case number or short code", "place": "Place the hold",
        "held": "The hold was placed.", "lift": "Lift", "lifted": "The hold was lifted.",
        "propose": "Propose for disposal", "asked": "1 were proposed",
        "approve": "Agree and erase", "erased": "1 were agreed to and erased",
        "choose": "Choose ",
    },
}  # fmt: skip
EACH_LANGUAGE = pytest.mark.parametrize("lang", ["zh", "en"])


def said(page: Page, text: str) -> None:
    expect(page.get_by_role("status")).to_contain_text(text)


@EACH_LANGUAGE
def test_a_rule_is_tried_before_it_is_made(console: Console, lang: str) -> None:
    words = WORDS[lang]
    with console.page_as("supervisor", lang=lang) as page:
        page.goto("/admin/retention")
        page.get_by_label(words["months"]).fill("84")
        page.get_by_role("button", name=words["try"]).click()
        expect(page.locator("table, p strong").first).to_be_visible()
        page.get_by_label(words["reason"]).fill(f"院长办公会 {lang}(虚构)")
        page.get_by_role("button", name=words["make"]).click()
        said(page, words["made"])
        expect(page.get_by_role("cell", name=f"院长办公会 {lang}(虚构)")).to_be_visible()


@EACH_LANGUAGE
def test_one_holds_and_another_lifts(console: Console, lang: str) -> None:
    words, reason = WORDS[lang], f"信访 {lang}(虚构)"
    item = uuid.UUID(console.ids["evidence"])
    with console.page_as("supervisor", lang=lang) as page:
        page.goto("/admin/retention/holds")
        page.get_by_label(words["target"]).fill(short_code(item).lower())
        page.locator("#h-place ~ form").get_by_label(words["reason"]).fill(reason)
        page.get_by_role("button", name=words["place"], exact=True).click()
        said(page, words["held"])
        row = page.get_by_role("row").filter(has_text=reason)
        expect(row.get_by_role("button")).to_have_count(0)
    with console.page_as("president", lang=lang) as page:
        page.goto("/admin/retention/holds")
        row = page.get_by_role("row").filter(has_text=reason)
        row.locator("summary").click()
        row.get_by_label(words["reason"]).fill("已办结(虚构)")
        row.get_by_role("button", name=words["lift"], exact=True).click()
        said(page, words["lifted"])


def long_ago(console: Console) -> uuid.UUID:
    """The court's photo, ordinary and of a case that was closed ten years ago; nothing holds it."""
    item = uuid.UUID(console.ids["evidence"])
    runtime = runtime_of(console.server.app)
    then = runtime.clock.now() - timedelta(days=3_653)
    with unit_of_work(EVERY_COURT) as session:
        row = session.get_one(Evidence, item)
        row.created_at = row.captured_at = then
        case = session.get_one(Case, row.case_id)
        case.status, case.closed_at = "closed", then
        for hold in session.query(LegalHold).filter(LegalHold.lifted_at.is_(None)):
            hold.lifted_at = then
        for asked in session.query(Erasure).filter(Erasure.evidence_id == item):
            asked.state = "refused"  # somebody had asked for it
        session.add(
            RetentionClass(
                id=runtime.ids(), court_id=row.court_id, evidence_id=item, category="ordinary",
                reason="普通(虚构)", made_at=then,
                made_by=console.ground.first.world.supervisor.id,
            )
        )  # fmt: skip
    return item


def test_two_people_dispose_of_what_is_due(console: Console) -> None:
    words, item = WORDS["en"], long_ago(console)
    box = words["choose"] + short_code(item)
    with console.page_as("supervisor", lang="en") as page:
        page.goto("/admin/retention/due")
        page.get_by_label(box).check()
        page.get_by_label(words["reason"]).fill("期满(虚构)")
        page.get_by_role("button", name=words["propose"]).click()
        said(page, words["asked"])
        page.goto("/admin/retention/proposals")
        expect(page.get_by_text("somebody else decides")).to_be_visible()
    with console.page_as("president", lang="en") as page:
        page.goto("/admin/retention/proposals")
        page.get_by_label(box).check()
        page.get_by_role("button", name=words["approve"]).click()
        said(page, words["erased"])
    with unit_of_work(EVERY_COURT, write=False) as session:
        assert session.get_one(Evidence, item).state == "erased"


def test_a_search_is_narrowed_followed_and_taken_along(console: Console) -> None:
    with console.page_as("president", lang="en") as page:
        page.goto("/audit")
        page.get_by_label("Kinds", exact=True).select_option("case")
        page.get_by_role("button", name="Search", exact=True).click()
        assert "group=case" in page.url
        rows = page.locator("tbody tr")
        expect(rows.first).to_contain_text("case")
        shown = rows.count()
        with page.expect_download() as waiting:
            page.get_by_role("link", name="Export as a table (CSV)").click()
        text = waiting.value.path().read_text(encoding="utf-8-sig")
        table = list(csv.DictReader(text.splitlines()))
        assert len(table) >= shown
        assert {one["kind"].partition(".")[0] for one in table} == {"case"}
        with page.expect_download() as waiting:
            page.get_by_role("link", name="Export as JSON").click()
        found = json.loads(waiting.value.path().read_text(encoding="utf-8"))
        assert len(found["items"]) == len(table)


def test_an_entry_leads_to_its_subject_and_its_proof(console: Console) -> None:
    with console.page_as("supervisor", lang="zh") as page:
        page.goto(f"/audit?kind=case.added&case={console.ids['case']}")
        row = page.locator("tbody tr").first
        expect(row).to_contain_text("登记了案件")
        proof = row.get_by_role("link", name="的证明").get_attribute("href")
        assert proof is not None
        answer = page.request.get(proof)
        assert answer.ok
        assert "c2sp.org/tlog-proof" in answer.text()
        row.locator("td a").first.click()
        expect(page).to_have_url(f"{console.server.url}/cases/{console.ids['case']}")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_failed_job_is_started_again(console: Console, *, scripts: bool) -> None:
    runtime = runtime_of(console.server.app)
    now = runtime.clock.now()
    with unit_of_work(EVERY_COURT) as session:
        session.add(
            Job(id=runtime.ids(), handler=f"none.such-{scripts}", log_index=int(scripts),
                subject_id="-", state="failed", attempts=10, run_after=now, finished_at=now)
        )  # fmt: skip
    with console.page_as("administrator", lang="en", java_script_enabled=scripts) as page:
        page.goto("/admin/health")
        page.get_by_role("button", name=f"Try none.such-{scripts} again").click()
        said(page, "The job waits to be done again.")
        expect(page.get_by_role("button", name=f"Try none.such-{scripts} again")).to_have_count(0)
        page.get_by_role("link", name="Refresh").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Health")


def test_the_health_page_comes_anew_by_itself(console: Console) -> None:
    with console.page_as("administrator", lang="en") as page:
        page.goto("/admin/health")
        before = page.locator("#health .fine").first.text_content()
        with page.expect_response(
            lambda answer: answer.url.endswith("/admin/health"), timeout=30_000
        ):
            pass
        expect(page.locator("#health .fine").first).not_to_have_text(before or "")
        expect(page.locator("#health")).to_have_count(1)
