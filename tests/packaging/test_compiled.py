"""The compiled build: the same sources, the same behaviour, another speed (decision 0007)."""

import ast
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.builds import COMPILED, can_compile, source

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
MODULES: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]["modules"]


def path_of(module: str) -> Path:
    return ROOT / "src" / f"{module.replace('.', '/')}.py"


def assigned_bounds(tree: ast.AST) -> Iterator[str]:
    """Names that a loop over ``range(name)`` goes by and that are assigned to inside of it."""
    for loop in ast.walk(tree):
        if isinstance(loop, ast.For) and isinstance(loop.iter, ast.Call) and ast.unparse(loop.iter.func) == "range":
            bounds = {name.id for bound in loop.iter.args for name in ast.walk(bound) if isinstance(name, ast.Name)}
            for name in (inner for statement in loop.body for inner in ast.walk(statement)):
                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store) and name.id in bounds:
                    yield f"{name.id} in line {name.lineno}"


@pytest.mark.parametrize("module", MODULES)
def test_no_loop_assigns_to_what_it_goes_by(module: str) -> None:
    """Python looks at the end of a range once, what mypyc 2.4 makes of it before each step."""
    assert list(assigned_bounds(ast.parse(path_of(module).read_text()))) == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not can_compile(), reason="no C compiler, or not Python's header files")
def test_the_compiled_build_passes_the_tests_of_records_and_codec() -> None:
    folder = source(COMPILED)
    environment = os.environ | {"PYTHONPATH": str(folder)}
    show = f"import importlib; [print(importlib.import_module(name).__file__) for name in {MODULES!r}]"
    done = subprocess.run([sys.executable, "-c", show], env=environment, capture_output=True, text=True, check=True)
    for module, file in zip(MODULES, done.stdout.splitlines(), strict=True):
        assert Path(file).is_relative_to(folder)
        assert not file.endswith(".py"), module
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/record", "tests/protocol"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
