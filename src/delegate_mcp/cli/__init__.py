"""The commands. To add one: a module here with `add_arguments` and `run`, and a row in COMMANDS."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CommandRow:
    """One command; its module is imported only when it is asked for."""

    name: str
    help: str


COMMANDS: tuple[CommandRow, ...] = (
    CommandRow("serve", "serve MCP on stdio (also with no argument), or on HTTP"),
    CommandRow("ask", "delegate one prompt from the shell, the same way as the tools"),
    CommandRow("route", "show who would be asked, and why, without asking"),
    CommandRow("budget", "show what is left of every quota, and what was used and saved"),
    CommandRow(
        "report", "show what was delegated, what it cost and what it saved; compare periods, weigh a rented model"
    ),
    CommandRow("feedback", "say whether an answer was good or bad; it counts for the model that gave it"),
    CommandRow("evaluate", "measure models with your own prompts; the numbers become their rubric here"),
    CommandRow("dashboard", "show the report as a live page with plots in the browser of this machine"),
    CommandRow("models", "show which models are usable now, and why the others are not"),
    CommandRow("scan", "search a file for credentials: file, line and kind, never the value"),
    CommandRow("local", "fetch, list and remove models of this machine; see and end what hosts them"),
    CommandRow("doctor", "check what works, what is missing, and the one command that mends it"),
    CommandRow("purge", "remove kept answers (also of threads), or the record of calls, or both"),
    CommandRow("demo", "start the server as a host would and delegate two short jobs; needs no key"),
)
