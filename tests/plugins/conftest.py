"""Distributions with plugins: made on the spot, or the real one in ``tests/external_plugin`` installed by pip."""

import itertools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
EXTERNAL_PLUGIN = REPOSITORY / "tests" / "external_plugin"

MakeDistribution = Callable[..., Path]
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def installed_fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder into which pip has installed the distribution ``xrm-fleet``, without any network."""
    target = tmp_path_factory.mktemp("site")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(EXTERNAL_PLUGIN)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return target


@pytest.fixture
def make_distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeDistribution:
    """A function that makes an installed distribution with one plugin module, found by this process."""

    def make(source: str, *, plugin: str = "sample", distribution: str = "sample-dist", version: str = "0.3") -> Path:
        number = next(_numbers)
        module = f"xrm_made_{number}"
        site = tmp_path / f"site{number}"
        info = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[xrm.plugins]\n{plugin} = {module}\n")
        (site / f"{module}.py").write_text(source)
        monkeypatch.syspath_prepend(str(site))
        return site

    return make
