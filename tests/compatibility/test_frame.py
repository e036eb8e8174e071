"""The frame of the table itself: the protocol, kept results, the page (``compat/README.md``)."""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from compat import manifest, page, results
from compat.brokers import Brokers
from compat.case import Case, Context, MainDrivers, NotRun
from compat.cases import CASES, GROUPS
from compat.driver import Driver, DriverDied, DriverError, NoFeature, one_line
from compat.install import MissingError, install, locked
from compat.manifest import Client
from compat.results import Outcome, Result
from compat.runner import cases_of, run_case

ECHO = """
import json, os, sys, time
print(json.dumps({"client": "echo", "version": "1", "ready": True}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    do, number = asked["do"], asked["id"]
    if do == "die":
        os._exit(7)
    if do == "babble":
        print("hello", flush=True)
        continue
    answers = {
        "echo": {"ok": asked},
        "lacks": {"none": "no such thing"},
        "fails": {"error": "two\\nlines", "code": 36},
        "odd": {"ok": 5},
    }
    print(json.dumps({"id": number} | answers[do]), flush=True)
"""


@pytest.fixture
def echo(tmp_path: Path) -> Client:
    """A client whose driver is a few lines of Python."""
    (tmp_path / "echo.py").write_text(ECHO)
    return Client(
        name=f"echo-{os.getpid()}",
        title="Echo",
        language="Python",
        folder=tmp_path,
        run=("{python}", "{here}/echo.py"),
    )


@pytest.fixture
def driver(echo: Client, tmp_path: Path) -> Driver:
    return Driver(echo, "nowhere:1", tmp_path / "log")


def test_a_request_carries_the_common_fields_and_its_answer_comes_back(driver: Driver) -> None:
    found = driver.call("echo", topic="t", timeout_s=3)
    assert found == {"id": 1, "do": "echo", "bootstrap": "nowhere:1", "timeout_ms": 3000, "topic": "t"}
    assert driver.version == "1"
    driver.close()
    assert not driver.alive


def test_none_and_error_become_exceptions(driver: Driver) -> None:
    with pytest.raises(NoFeature, match="no such thing"):
        driver.call("lacks")
    with pytest.raises(DriverError, match="fails: two lines") as caught:
        driver.call("fails")
    assert caught.value.code == 36
    driver.close()


@pytest.mark.parametrize(("do", "reason"), [("die", "ended with 7"), ("babble", "printed 'hello"), ("odd", "answered")])
def test_a_driver_that_breaks_the_protocol_is_named_so(driver: Driver, do: str, reason: str) -> None:
    with pytest.raises(DriverDied, match=reason):
        driver.call(do)
    driver.kill()


def test_a_killed_driver_takes_no_more_requests(driver: Driver) -> None:
    driver.kill()
    with pytest.raises(DriverDied):
        driver.call("echo")


class FakeBrokers(Brokers):
    """No broker at all."""

    def shared(self) -> str:
        return "127.0.0.1:1"


def outcome_of(client: Client, run: Callable[[Context], None], *, own_node: bool = False) -> Result:
    brokers = FakeBrokers("external", bootstrap="127.0.0.1:1")
    drivers = MainDrivers(client)
    try:
        return run_case(Case(id="x/y", title="y", run=run, own_node=own_node), client, brokers, drivers)
    finally:
        drivers.close()
        brokers.close()


def test_outcomes(echo: Client) -> None:
    def fails(context: Context) -> None:
        assert context is None, "it is not\nNone"

    def asks(do: str) -> Callable[[Context], None]:
        def run(context: Context) -> None:
            context.driver().call(do)

        return run

    assert outcome_of(echo, asks("echo")).outcome is Outcome.PASS
    assert outcome_of(echo, asks("lacks")).outcome is Outcome.NONE
    failed = outcome_of(echo, fails)
    assert failed.outcome is Outcome.FAIL
    assert failed.reason.startswith("it is not None")
    died = outcome_of(echo, asks("die"))
    assert (died.outcome, died.version) == (Outcome.FAIL, "1")
    assert "ended with 7" in died.reason


def test_a_case_that_kills_the_broker_is_left_out_where_it_is_not_ours(echo: Client) -> None:
    with pytest.raises(NotRun):
        Brokers("external", bootstrap="127.0.0.1:1").own()
    found = outcome_of(echo, lambda context: None, own_node=True)
    assert found.outcome is Outcome.NOT_RUN
    assert "kills the broker" in found.reason


def test_a_missing_program_is_said_with_what_to_do(echo: Client, tmp_path: Path) -> None:
    client = Client(
        name="missing",
        title="Missing",
        language="C",
        folder=tmp_path,
        needs=(("no-such-program", "install it"),),
        run=("x",),
    )
    with pytest.raises(MissingError, match="no-such-program is missing: install it"):
        install(client)


def test_a_case_that_brings_in_a_client_which_is_missing_says_so(echo: Client) -> None:
    def brings(context: Context) -> None:
        install(replace(context.client, name="missing", needs=(("no-such-program", "install it"),)))

    found = outcome_of(echo, brings)
    assert (found.outcome, found.reason) == (Outcome.MISSING, "no-such-program is missing: install it")


def test_a_case_can_bring_in_another_client(echo: Client) -> None:
    other = replace(echo, name=f"other-{os.getpid()}")

    def brings(context: Context) -> None:
        driver = context.new_driver(other)
        assert driver.call("echo")["bootstrap"] == context.bootstrap
        assert driver.client is other

    found = outcome_of(echo, brings)
    assert (found.outcome, found.version) == (Outcome.PASS, ""), found.reason


def test_what_is_installed_waits_for_no_other_set_up(
    echo: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compat.install.HOME", tmp_path)
    monkeypatch.setattr("compat.manifest.HOME", tmp_path)
    client = replace(echo, setup=("true",))
    install(client)
    with locked("install"):
        install(client)


def result(client: str, case: str, outcome: Outcome, **more: str) -> Result:
    return Result(client=client, case=case, outcome=outcome, **more)  # type: ignore[arg-type]  # all of them text


def test_results_are_merged_in_the_order_of_the_table_and_kept(tmp_path: Path) -> None:
    old = [result("a", "p/1", Outcome.FAIL, reason="was"), result("gone", "p/1", Outcome.PASS)]
    new = [result("a", "p/2", Outcome.PASS), result("a", "p/1", Outcome.PASS, version="2")]
    merged = results.merged(old, new, known=[("a", "p/1"), ("a", "p/2"), ("b", "p/1")])
    assert [(each.case, each.outcome) for each in merged] == [("p/1", Outcome.PASS), ("p/2", Outcome.PASS)]
    path = tmp_path / "results.json"
    results.save(path, merged, seconds=False)
    assert results.load(path) == merged
    assert "seconds" not in path.read_text()
    assert results.load(tmp_path / "none.json") == []


def test_the_page_tells_every_outcome_and_why() -> None:
    client = manifest.load()[0]
    case, other, third = (each.id for each in CASES[:3])
    found = [
        result(client.name, case, Outcome.PASS, version="9.8.7"),
        result(client.name, other, Outcome.SAME, reason="a <strange> | thing"),
        result(client.name, third, Outcome.NONE, reason="it has none"),
    ]
    text = page.markdown(manifest.load(), found)
    assert f"{client.title} 9.8.7" in text
    assert "1 ✓ 1 ≈ 1 –" in text
    assert r"a &lt;strange> \| thing" in text
    assert "it has none" in text


def test_cases_and_manifests_fit_together() -> None:
    assert len({case.id for case in CASES}) == len(CASES)
    for client in manifest.load():
        cases = cases_of(client)
        assert cases, client.name
        assert {case.group for case in cases} <= set(GROUPS)
        assert (client.folder / "client.toml").exists()
        missing = [pattern for pattern in client.inputs if not any(client.folder.glob(pattern))]
        assert not missing, f"{client.name}: nothing is {missing}"


def test_one_line() -> None:
    assert one_line("a\n  b") == "a b"
    assert len(one_line("x" * 1000)) == 300
    assert sys.executable in Client(name="n", title="N", language="C", folder=Path(), run=("{python}",)).command(
        ("{python}",)
    )


def test_the_page_is_what_the_kept_results_say() -> None:
    """``python -m compat --page`` writes it anew."""
    kept = results.load(manifest.HERE / "results.json")
    assert (manifest.ROOT / "docs" / "compatibility.md").read_text("utf-8") == page.markdown(manifest.load(), kept)
