"""Runs clients through their cases: several clients at once, each going through its cases in order."""

import importlib
import queue
import threading
import time
import traceback
from collections.abc import Callable, Sequence

from compat.brokers import Broker, Brokers
from compat.case import Case, Context, MainDrivers, NotRun
from compat.cases import CASES
from compat.driver import Driver, DriverDied, DriverError, NoFeature, one_line
from compat.install import MissingError, install
from compat.manifest import HOME, Client
from compat.results import Outcome, Result

Report = Callable[[Result], None]
Select = Callable[[Case], bool]


def cases_of(client: Client) -> Sequence[Case]:
    """The cases of the drivers, where it has one, and the client's own."""
    own: Sequence[Case] = () if client.cases is None else importlib.import_module(client.cases).CASES
    return (*CASES, *own) if client.run else own


def run_case(case: Case, client: Client, brokers: Brokers, drivers: MainDrivers) -> Result:
    """One case of a client that is installed."""
    started = time.monotonic()
    context: Context | None = None
    broker: Broker | None = None
    outcome, reason = Outcome.FAIL, ""
    try:
        if case.own_node:
            broker = brokers.own()
        bootstrap = brokers.shared() if broker is None else broker.bootstrap
        context = Context(case, client, bootstrap, drivers, broker)
        case.run(context)
        outcome = Outcome.PASS
    except NotRun as why:
        outcome, reason = Outcome.NOT_RUN, one_line(why)
    except NoFeature as why:
        outcome, reason = Outcome.NONE, one_line(why)
    except MissingError as why:  # of a client that this case brings in beside its own
        outcome, reason = Outcome.MISSING, one_line(why)
    except (AssertionError, DriverError, DriverDied) as error:
        reason = one_line(error) or one_line(traceback.format_exc(limit=-1))
    except Exception as error:
        reason = one_line(f"{type(error).__name__}: {error} ({traceback.format_exc(limit=-2)})")
    finally:
        if context is not None:
            context.end(failed=outcome is Outcome.FAIL)
        if broker is not None:
            broker.close()
    version = context.version if context is not None else None
    seconds = round(time.monotonic() - started, 2)
    return Result(
        client=client.name, case=case.id, outcome=outcome, reason=reason, version=version or "", seconds=seconds
    )


def start_failure(client: Client) -> str | None:
    """Why the client's driver does not start at all, or None when it does."""
    try:
        Driver(client, "127.0.0.1:1", HOME / "logs" / client.name / "start.log").close()
    except (DriverDied, OSError) as why:
        return one_line(why)
    return None


def run_client(client: Client, select: Select, brokers: Brokers, report: Report) -> None:
    """All selected cases of a client, installed first."""
    cases = [case for case in cases_of(client) if select(case)]
    if not cases:
        return
    try:
        install(client)
    except MissingError as why:
        for case in cases:
            report(Result(client=client.name, case=case.id, outcome=Outcome.MISSING, reason=one_line(why)))
        return
    drivers = MainDrivers(client)
    try:
        if client.run and (reason := start_failure(client)) is not None:
            for case in cases:
                report(Result(client=client.name, case=case.id, outcome=Outcome.FAIL, reason=reason))
            return
        for case in cases:
            report(run_case(case, client, brokers, drivers))
    finally:
        drivers.close()


def run(
    clients: Sequence[Client], select: Callable[[Client, Case], bool], brokers: Brokers, *, jobs: int, report: Report
) -> list[Result]:
    """All clients, ``jobs`` at once; ``report`` is told each result as it comes."""
    HOME.mkdir(exist_ok=True)
    waiting: queue.SimpleQueue[Client] = queue.SimpleQueue()
    for client in clients:
        waiting.put(client)
    results: list[Result] = []
    broken: list[BaseException] = []
    lock = threading.Lock()

    def tell(result: Result) -> None:
        with lock:
            results.append(result)
            report(result)

    def work() -> None:
        while not broken:
            try:
                client = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                run_client(client, lambda case: select(client, case), brokers, tell)  # noqa: B023  # called at once
            except BaseException as error:
                broken.append(error)
                raise

    threads = [threading.Thread(target=work, name=f"compat-{number}") for number in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if broken:
        raise broken[0]
    return results


def again_with_kafka(failed: Sequence[Result], clients: Sequence[Client], *, jobs: int, report: Report) -> list[Result]:
    """What failed, against Apache Kafka; results that fail there too come back as ``SAME``."""
    wanted = {(result.client, result.case) for result in failed}
    names = {result.client for result in failed}
    brokers = Brokers("kafka")
    try:
        others = run(
            [client for client in clients if client.name in names],
            lambda client, case: (client.name, case.id) in wanted,
            brokers,
            jobs=jobs,
            report=report,
        )
    finally:
        brokers.close()
    there = {(result.client, result.case): result for result in others if result.outcome is Outcome.FAIL}
    return [result.same(result.reason) for result in failed if (result.client, result.case) in there]
