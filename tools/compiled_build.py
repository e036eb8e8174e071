"""The build hook that puts compiled modules into the wheel, beside the sources they were made from (decision 0007).

Off unless ``HATCH_BUILD_HOOK_ENABLE_CUSTOM=1`` is set: the wheel that is handed out is the same for every system. Which
modules are compiled stands in ``pyproject.toml``. Everything is made in a temporary folder, so that no compiled file
ever lies beside the sources of a checkout; run as a script this file does the compiling there, in a process of its own.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile
from typing import Any

GROUP = "ottla"
"""Names the one library that holds everything; each compiled module is a small shell around it."""
CHECKS = "checks.toml"


def compile_modules(paths: list[str]) -> None:
    """Compile modules of ``src/`` in the current folder; what comes out lies in ``built/`` as it does in the wheel."""
    from mypyc.build import mypycify
    from setuptools import setup

    extensions = mypycify(
        ["--config-file", CHECKS, *paths], opt_level="2", debug_level="0", multi_file=True, group_name=GROUP
    )
    setup(name="ottla", ext_modules=extensions, script_args=["--quiet", "build_ext", "--build-lib", "built"])


if __name__ == "__main__":
    compile_modules(sys.argv[1:])
else:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface

    class CompiledBuild(BuildHookInterface[Any]):
        """What hatchling calls before and after it makes a wheel."""

        def dependencies(self) -> list[str]:
            """Return what ``pip`` installs for the build."""
            return list(self.config["compilers"])

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            """Compile, and add what comes out to the wheel, which is one for this Python on this system then."""
            if self.target_name != "wheel" or version == "editable":
                return
            root = pathlib.Path(self.root)
            self._folder = tempfile.TemporaryDirectory(prefix="ottla-compiled-")
            folder = pathlib.Path(self._folder.name)
            shutil.copytree(root / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
            shutil.copy(root / "pyproject.toml", folder / CHECKS)  # by its own name setuptools would read it too
            paths = [f"src/{module.replace('.', '/')}.py" for module in self.config["modules"]]
            subprocess.run([sys.executable, str(pathlib.Path(__file__).resolve()), *paths], cwd=folder, check=True)
            built = folder / "built"
            libraries = [path for path in built.rglob("*") if path.is_file()]
            build_data["force_include"].update({str(path): path.relative_to(built).as_posix() for path in libraries})
            build_data["pure_python"] = False
            build_data["infer_tag"] = True

        def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
            """Remove what was made."""
            if hasattr(self, "_folder"):
                self._folder.cleanup()
