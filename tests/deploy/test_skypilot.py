"""The recipes for rented GPUs: tasks to SkyPilot itself, with a key, and gone when nobody asks."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
RECIPES = sorted((REPOSITORY / "deploy" / "skypilot").glob("*.sky.yaml"))
SKYPILOT = REPOSITORY / ".skypilot" / "bin" / "python"
KEY = "the-key"

# Stand-ins: time passes at once, and the server has answered something in each of the first three minutes.
SLEEP = '#!/bin/sh\necho >> "$HOME/minutes"\n'
CURL = """#!/bin/sh
cat > "$HOME/asked-with"
minute=$(wc -l < "$HOME/minutes"); [ "$minute" -gt 3 ] && minute=3
echo "process_cpu_seconds_total $(wc -l < "$HOME/minutes")"
echo "llamacpp:prompt_tokens_total $minute"
echo "vllm:generation_tokens_total{engine=\\"0\\"} $minute"
"""
SERVER = """#!/bin/sh
echo "$@" > "$HOME/arguments"
trap 'echo ended > "$HOME/ended"; exit 0' TERM
while :; do /bin/sleep 0.02; done
"""


def recipe(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_a_recipe_has_no_key_of_its_own_and_takes_its_machine_down(path: Path) -> None:
    task = recipe(path)
    assert task["secrets"] == {"API_KEY": None}
    assert task["resources"]["autostop"] == {"idle_minutes": 2, "down": True, "wait_for": "jobs"}
    assert "ports" not in task["resources"]  # nobody but the tunnel reaches it
    assert "--host 127.0.0.1 --port 8000" in task["run"]
    assert [place["infra"] for place in task["resources"]["any_of"]] == ["vast", "runpod"]


def test_there_is_one_for_each_engine() -> None:
    assert [path.name for path in RECIPES] == ["llama-server.sky.yaml", "vllm.sky.yaml"]


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("bash") is None, reason="what runs on the rented machine")
@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_the_job_ends_when_nobody_asks_any_more_and_the_key_is_in_no_arguments(path: Path, tmp_path: Path) -> None:
    programs = {
        "bin/sleep": SLEEP,
        "bin/curl": CURL,
        "llama.cpp/build/bin/llama-server": SERVER,
        "vllm/bin/vllm": SERVER,
    }
    for name, text in programs.items():
        program = tmp_path / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(text, encoding="utf-8")
        program.chmod(0o755)
    (tmp_path / "minutes").touch()
    task = recipe(path)
    environ = {
        **task["envs"],
        "HOME": str(tmp_path),
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "API_KEY": KEY,
        "IDLE_MINUTES": "5",
    }
    subprocess.run(["bash", "-c", f"{task['run']}\nwait"], env=environ, check=True, timeout=60)
    minutes = len((tmp_path / "minutes").read_text(encoding="utf-8").splitlines())
    assert minutes == 3 + 5
    assert (tmp_path / "ended").exists()
    arguments = (tmp_path / "arguments").read_text(encoding="utf-8")
    assert "--port 8000" in arguments
    assert KEY not in arguments
    assert KEY in (tmp_path / "asked-with").read_text(encoding="utf-8")


@pytest.mark.skypilot
def test_skypilot_itself_takes_them(tmp_path: Path) -> None:
    if not SKYPILOT.exists():
        pytest.fail("SkyPilot is not installed in .skypilot: make test-skypilot")
    program = Path(__file__).with_name("validate_with_skypilot.py")
    environ = {**os.environ, "HOME": str(tmp_path), "SKYPILOT_DISABLE_USAGE_COLLECTION": "1"}
    done = subprocess.run(
        [SKYPILOT, program, *RECIPES], env=environ, check=True, capture_output=True, text=True, timeout=120
    )
    llama, vllm = json.loads(done.stdout)
    for task in (llama, vllm):
        assert (task["places"], task["down"]) == (["runpod", "vast"], True)
    assert "RTX3090" in llama["gpus"]
    assert "L40S" in vllm["gpus"]


@pytest.mark.skypilot
def test_skypilot_refuses_a_recipe_with_a_mistake(tmp_path: Path) -> None:
    task = recipe(RECIPES[0])
    task["resources"]["autostop"]["idle_minute"] = 2
    wrong = tmp_path / "wrong.sky.yaml"
    wrong.write_text(yaml.safe_dump(task), encoding="utf-8")
    program = Path(__file__).with_name("validate_with_skypilot.py")
    environ = {**os.environ, "HOME": str(tmp_path), "SKYPILOT_DISABLE_USAGE_COLLECTION": "1"}
    done = subprocess.run(
        [SKYPILOT, program, wrong], env=environ, check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode != 0
    assert "idle_minute" in done.stderr
