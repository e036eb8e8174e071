"""``python -m compat``: run clients against a broker and print the table (``compat/README.md``)."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from compat import page, results
from compat.brokers import Brokers, kafka_missing
from compat.case import Case
from compat.install import MissingError, install, locked
from compat.manifest import HOME, ROOT, Client, load
from compat.results import BAD, Outcome, Result
from compat.runner import again_with_kafka, cases_of, run

PAGE = ROOT / "docs" / "compatibility.md"
RESULTS = Path(__file__).with_name("results.json")


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m compat", description=__doc__)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--bootstrap", metavar="HOST:PORT", help="a broker that runs already")
    where.add_argument("--peer", choices=["ottla", "kafka"], default="ottla", help="what to start (default: ottla)")
    parser.add_argument("--only", metavar="CLIENT,...", help="these clients (or languages)")
    parser.add_argument("--cases", metavar="PART,...", help="cases whose id begins so: produce, group/crash")
    parser.add_argument("--quick", action="store_true", help="the part that CI runs")
    parser.add_argument("--jobs", type=int, default=3, help="clients at once (default: 3; most of them wait)")
    parser.add_argument("--no-kafka", action="store_true", help="do not run what failed against Apache Kafka")
    parser.add_argument("--install", action="store_true", help="install the clients and end; name those that cannot be")
    parser.add_argument("--list", action="store_true", help="list clients and cases and end")
    parser.add_argument("--page", action="store_true", help="write the page anew from the kept results and end")
    return parser.parse_args(argv)


def _chosen(clients: Sequence[Client], only: str | None) -> list[Client]:
    if not only:
        return list(clients)
    wanted = only.split(",")
    found = [client for client in clients if client.name in wanted or client.language.lower() in wanted]
    known = {client.name for client in clients} | {client.language.lower() for client in clients}
    if unknown := set(wanted) - known:
        sys.exit(f"unknown client {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
    return found


def _selected(case: Case, parts: str | None, *, quick: bool) -> bool:
    if quick and not case.quick:
        return False
    return not parts or any(case.id == part or case.id.startswith(f"{part.rstrip('/')}/") for part in parts.split(","))


def _show(result: Result) -> None:
    sign = {Outcome.PASS: "ok", Outcome.NONE: "--", Outcome.FAIL: "FAIL"}.get(result.outcome, result.outcome.value)
    reason = f"  {result.reason}" if result.reason else ""
    print(f"{sign:>8}  {result.client:<24} {result.case:<28} {result.seconds:6.1f} s{reason}", flush=True)


def main(argv: Sequence[str]) -> int:
    """The exit code: 1 when something failed or a client is missing."""
    options = _arguments(argv)
    clients = load()
    if options.list:
        for client in clients:
            print(f"{client.language:<8} {client.name:<24} {len(cases_of(client))} cases")
        return 0
    if options.install:
        _install(_chosen(clients, options.only))
        return 0
    if options.page:
        PAGE.write_text(page.markdown(clients, results.load(RESULTS)), "utf-8")
        return 0
    if options.peer == "kafka" and (why := kafka_missing()) is not None:
        sys.exit(why)
    chosen = _chosen(clients, options.only)
    started = time.monotonic()
    brokers = Brokers("external" if options.bootstrap else options.peer, bootstrap=options.bootstrap)
    try:
        found = run(
            chosen,
            lambda _, case: _selected(case, options.cases, quick=options.quick),
            brokers,
            jobs=options.jobs,
            report=_show,
        )
    finally:
        brokers.close()
    ours = brokers.peer == "ottla"
    if ours:
        found = _compared(found, chosen, options)
    _keep(found, clients, brokers.peer, write_page=ours)
    print("\n" + page.terminal(chosen, found))
    print(f"{time.monotonic() - started:.0f} s")
    return 1 if any(result.outcome in BAD for result in found) else 0


def _install(clients: Sequence[Client]) -> None:
    for client in clients:
        try:
            install(client)
        except MissingError as why:
            print(f"setup: {client.name} is missing, its tests are skipped: {why}")


def _compared(found: list[Result], chosen: Sequence[Client], options: argparse.Namespace) -> list[Result]:
    """What failed, marked where Apache Kafka shows the same."""
    failed = [result for result in found if result.outcome is Outcome.FAIL]
    if not failed or options.no_kafka:
        return found
    if (why := kafka_missing()) is not None:
        print(f"{len(failed)} failures cannot be compared with Apache Kafka: {why}")
        return found
    print(f"\nThe {len(failed)} failures against Apache Kafka:")
    same = {(each.client, each.case): each for each in again_with_kafka(failed, chosen, jobs=1, report=_show)}
    return [same.get((result.client, result.case), result) for result in found]


def _keep(found: Sequence[Result], clients: Sequence[Client], peer: str, *, write_page: bool) -> None:
    known = [(client.name, case.id) for client in clients for case in cases_of(client)]
    mine = HOME / f"results-{peer}.json"
    with locked("results"):
        results.save(mine, results.merged(results.load(mine), found, known=known))
    if write_page:
        measured = [result for result in found if result.outcome is not Outcome.MISSING]
        with locked("results"):
            kept = results.merged(results.load(RESULTS), measured, known=known)
            results.save(RESULTS, kept, seconds=False)
            PAGE.write_text(page.markdown(clients, kept), "utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
