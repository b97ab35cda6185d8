"""`rungs init` at a terminal: it says what is at hand, asks for both tiers, and takes no name that it does not know."""

import os
import pty
import subprocess

MODELS = """
published = "2026-06-30"
[[providers]]
name = "far"
base_url = "https://api.example.com/v1"
key_env = "RUNGS_TEST_FAR_KEY"
""" + "".join(
    f'[[models]]\nprovider = "far"\nmodel = "{name}"\nprice = {{ input = {usd}, output = {usd} }}\ncontext_window = 1000\n'
    for name, usd in (("mini", 0.1), ("middle", 1.0), ("large", 9.0))
)


def test_it_asks_for_both_tiers(tmp_path):
    models, out = tmp_path / "models.toml", tmp_path / "rungs.toml"
    models.write_text(MODELS)
    ours, theirs = pty.openpty()
    # A name that is not known, one that is, and the suggestion.
    os.write(ours, b"huge\nmiddle\n\n")
    command = [os.environ["RUNGS_BIN"], "init", "--models", str(models), "--out", str(out)]
    environment = {**os.environ, "RUNGS_TEST_FAR_KEY": "sk-never-to-be-written"}
    asked = subprocess.run(command, stdin=theirs, capture_output=True, text=True, timeout=60, env=environment)
    os.close(ours)
    os.close(theirs)
    assert asked.returncode == 0, asked.stderr
    assert all(name in asked.stderr for name in ("far/mini", "far/middle", "far/large", "`huge` is not at hand"))
    written = out.read_text()
    assert 'model = "middle"' in written and 'model = "large"' in written and 'model = "mini"' not in written
    assert 'api_key_env = "RUNGS_TEST_FAR_KEY"' in written and "sk-never" not in written
