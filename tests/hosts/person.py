"""A person's machine in a temporary directory: a home, a project, and nothing inherited from who runs the tests."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
CLIENTS = CHECKOUT / ".hosts" / "node_modules" / ".bin"
SERVER = Path(sys.executable).with_name("delegate-mcp")


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever registered the server; `keys` are the settings and keys that the server gets."""

    home: Path
    project: Path
    keys: dict[str, str]

    @property
    def server_env(self) -> dict[str, str]:
        """What a person would put beside the server's command in the host's configuration."""
        return {
            "DELEGATE_MCP_HOME": str(self.home / "delegate"),
            "DELEGATE_MCP_LOCAL__DEMO_MODEL": "never",
            **self.keys,
        }

    def env(self, **more: str) -> dict[str, str]:
        """A whole environment for a program that this person starts, the clients on its PATH."""
        return {
            "HOME": str(self.home),
            "PATH": os.pathsep.join([str(CLIENTS), os.defpath]),
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            **more,
        }


def person_in(folder: Path, **keys: str) -> Person:
    """A new person with an empty home and an empty project."""
    person = Person(folder / "home", folder / "project", keys)
    person.home.mkdir()
    person.project.mkdir()
    return person
