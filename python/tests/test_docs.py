"""The Python in the pages runs and prints what they say: the text behind #>."""

from __future__ import annotations

import contextlib
import io
import re
import subprocess

import pytest
from conftest import ROOT

from noo_filter import _program


@pytest.mark.parametrize("page", ["python/README.md", "docs/python.md"])
def test_examples(page, tmp_path, monkeypatch):
    demo = tmp_path / "demo"
    subprocess.run([_program.path(), "demo", demo], check=True, capture_output=True)
    monkeypatch.chdir(demo)
    for name in ("NOO_SNAPSHOT", "NOO_TRUSTED_KEYS"):
        monkeypatch.setenv(name, "")  # The page says so itself, and the test puts it back.
    blocks = re.findall(
        r"^```python\n(.*?)^```$", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL
    )
    assert len(blocks) > 1
    names: dict[str, object] = {}
    for block in blocks:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(block, page, "exec"), names)
        assert said.getvalue().splitlines() == re.findall(r"#> (.*)", block)


def test_keywords():
    """docs/python.md lists every keyword."""
    from noo_filter._settings import FilterSettings

    text = (ROOT / "docs/python.md").read_text(encoding="utf-8")
    for name in FilterSettings.__dataclass_fields__:
        assert name.startswith("_") or re.search(rf"^\|.*`{name}[`=].*\|", text, re.MULTILINE), name
