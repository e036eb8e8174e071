"""The errors in answers are found wherever Kafka's schemas put them."""

import importlib
import inspect
import typing
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from ottla.broker.response_errors import COUNTED_BY_THE_HANDLER, PATHS, error_codes
from ottla.protocol.api import ApiKey, api
from ottla.protocol.messages.leave_group import LeaveGroupResponse, MemberResponse
from ottla.protocol.versions import SERVED


def response_class(key: ApiKey) -> tuple[ModuleType, type]:
    module = importlib.import_module(f"ottla.protocol.messages.{api(key).module}")
    name = api(key).module.replace("_", "") + "response"
    (found,) = [one for one in vars(module).values() if inspect.isclass(one) and one.__name__.lower() == name]
    return module, found


def parts_of(hint: Any) -> typing.Iterator[Any]:
    yield hint
    for argument in typing.get_args(hint):
        yield from parts_of(argument)


def paths_to_errors(module: ModuleType, of: type, path: tuple[str, ...] = ()) -> typing.Iterator[tuple[str, ...]]:
    hints = typing.get_type_hints(of.__init__, vars(module))  # type: ignore[misc]  # a class's own __init__ is wanted
    if "error_code" in hints:
        yield path
    for name, hint in hints.items():
        for part in parts_of(hint):
            if inspect.isclass(part) and part.__module__ == module.__name__:
                yield from paths_to_errors(module, part, (*path, name))


@pytest.mark.parametrize("key", [key for key in SERVED if key not in COUNTED_BY_THE_HANDLER], ids=lambda key: key.name)
def test_every_error_code_of_the_schema_is_counted(key: ApiKey) -> None:
    assert set(PATHS[key]) == set(paths_to_errors(*response_class(key)))


@pytest.mark.parametrize("key", SERVED, ids=lambda key: key.name)
def test_an_empty_answer_has_no_errors(key: ApiKey) -> None:
    codes_of = error_codes(key)
    if codes_of is None:
        assert key in COUNTED_BY_THE_HANDLER
    else:
        assert set(codes_of(response_class(key)[1]())) <= {0}


def test_errors_at_all_depths_are_found() -> None:
    leave = error_codes(ApiKey.LEAVE_GROUP)
    assert leave is not None
    members = [MemberResponse(error_code=25), MemberResponse(), MemberResponse(error_code=82)]
    assert sorted(leave(LeaveGroupResponse(error_code=16, members=members))) == [0, 16, 25, 82]
    fetch = error_codes(ApiKey.OFFSET_FETCH)
    assert fetch is not None
    partition = SimpleNamespace(error_code=3)
    group = SimpleNamespace(error_code=0, topics=[SimpleNamespace(partitions=[partition, partition])])
    answer = SimpleNamespace(error_code=0, topics=None, groups=[group])
    assert sorted(fetch(answer)) == [0, 0, 3, 3]
