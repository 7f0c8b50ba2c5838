"""Write the snapshots anew: `python -m tests.toolsnaps`. Read the difference before you commit it."""

import json
from pathlib import Path

from mcp_types import Tool

from delegate_mcp.tools import TOOLS


def main() -> None:
    here = Path(__file__).parent
    for old in here.glob("*.json"):
        old.unlink()
    for row in TOOLS:
        tool = row.build()
        shown = Tool(
            name=tool.name,
            title=tool.title,
            description=tool.description,
            input_schema=tool.parameters,
            annotations=tool.annotations,
            _meta=tool.meta,
        ).model_dump(by_alias=True, exclude_none=True)
        (here / f"{tool.name}.json").write_text(json.dumps(shown, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
