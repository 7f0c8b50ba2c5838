"""Run by SkyPilot's own Python with recipes as arguments: each must be a task to it. See `make test-skypilot`."""

import importlib
import json
import os
import sys
from typing import Any

import yaml


def main(paths: list[str]) -> None:
    # Of another environment than the tests'.
    sky: Any = importlib.import_module("sky")
    check: Any = importlib.import_module("sky.utils.common_utils").validate_schema
    schemas: Any = importlib.import_module("sky.utils.schemas")
    told: list[dict[str, object]] = []
    for path in paths:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - a plain script
            data = yaml.safe_load(file)
        check(data, schemas.get_task_schema(), "task: ")
        check(data["resources"], schemas.get_resources_schema(), "resources: ")
        task = sky.Task.from_yaml_config(data, secrets_overrides={"API_KEY": "key"})
        told.append(
            {
                "name": task.name,
                "places": sorted({str(one.cloud).lower() for one in task.resources}),
                "gpus": sorted({gpu for one in task.resources for gpu in one.accelerators}),
                "down": all(one.autostop_config.enabled and one.autostop_config.down for one in task.resources),
                "idle_minutes": sorted({one.autostop_config.idle_minutes for one in task.resources}),
            }
        )
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    os.environ.setdefault("SKYPILOT_DISABLE_USAGE_COLLECTION", "1")
    main(sys.argv[1:])
