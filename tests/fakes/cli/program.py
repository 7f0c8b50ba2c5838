"""What a stand-in CLI does: one function for each behaviour, in the form of the real CLI's recorded output."""
# ruff: noqa: T201 - it plays programs that print

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

assert sys.platform != "win32"  # processes are counted through a named pipe

BEHAVIOUR: str = globals().get("BEHAVIOUR", "")
FOLDER = Path(globals().get("FOLDER", "."))

USAGE = {
    "input_tokens": 10,
    "cache_creation_input_tokens": 20,
    "cache_read_input_tokens": 30,
    "output_tokens": 7,
}


def say(event: dict[str, Any]) -> None:
    print(json.dumps(event), flush=True)


def result(**facts: Any) -> dict[str, Any]:
    """The last line of `claude -p --output-format stream-json`."""
    return {
        "type": "result",
        "subtype": "success",
        "is_error": False,
        "api_error_status": None,
        "result": "Hello from the stand-in.",
        "stop_reason": "end_turn",
        "num_turns": 1,
        "total_cost_usd": 0.0073,
        "usage": USAGE,
        "modelUsage": {"claude-haiku-5-5": {"inputTokens": 10, "outputTokens": 7, "costUSD": 0.0073}},
        **facts,
    }


def delta(text: str) -> None:
    event = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    say({"type": "stream_event", "event": event, "parent_tool_use_id": None})


def hold_the_pipe() -> None:
    """Be counted as a process of this CLI, until it ends."""
    os.write(os.open(FOLDER / "alive", os.O_WRONLY), b"x")


def child() -> None:
    """Leave a process in the group that holds every pipe and never ends by itself."""
    read, write = os.pipe()
    if os.fork() == 0:
        hold_the_pipe()
        os.write(write, b"x")
        while True:
            signal.pause()
    os.read(read, 1)


# --- claude ----------------------------------------------------------------------------------------------------------


def answers() -> None:
    say({"type": "system", "subtype": "init", "model": "claude-haiku-5-5", "tools": []})
    for piece in ("Hello from", " the", " stand-in."):
        delta(piece)
    say(result())


def answers_as_one_printed_object() -> None:
    print(json.dumps(result(), indent=2))


def meets_the_schema() -> None:
    say(result(result='{"a":3}', structured_output={"a": 3}))


def never_meets_the_schema() -> None:
    say(result())


def gives_up_on_the_schema() -> None:
    say(
        result(is_error=True, subtype="error_max_structured_output_retries", result=None, errors=["/a: not an integer"])
    )
    sys.exit(1)


def is_logged_out() -> None:
    say(result(is_error=True, result="Not logged in · Please run /login", usage={}, total_cost_usd=0))
    sys.exit(1)


def is_rate_limited() -> None:
    said = "API Error: Request rejected (429) · This request would exceed your account's rate limit."
    say(result(is_error=True, api_error_status=429, result=said))
    sys.exit(1)


def has_used_up_its_plan() -> None:
    limit = {"status": "rejected", "resetsAt": 32_503_680_000, "rateLimitType": "five_hour"}
    say({"type": "rate_limit_event", "rate_limit_info": limit})
    say(result(is_error=True, result="You've hit your session limit"))
    sys.exit(1)


def is_overloaded() -> None:
    say(result(is_error=True, api_error_status=529, result="API Error: 529 Overloaded"))
    sys.exit(1)


def has_no_such_model() -> None:
    said = "There's an issue with the selected model (nonesuch). It may not exist or you may not have access to it."
    say(result(is_error=True, api_error_status=404, result=said))
    sys.exit(1)


def runs_out_of_turns() -> None:
    facts = result(subtype="error_max_turns")
    del facts["result"]
    say(facts)


def refuses() -> None:
    say(result(is_error=True, stop_reason="refusal", result="API Error: Haiku 5.5 can't help with this."))
    sys.exit(1)


def took_the_prompt_for_a_command() -> None:
    say(result(local_command="cost", result="Estimated cost: $0.0000"))


def says_nothing() -> None:
    pass


def says_an_empty_answer() -> None:
    say(result(result=""))


def writes_garbage() -> None:
    print("\x1b[31mWelcome!\x1b[0m {not json")


def writes_without_an_end() -> None:
    try:
        while True:
            sys.stdout.write("x" * 65_536)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def fails_and_repeats_the_prompt() -> None:
    print(f"SyntaxError near {PROMPT!r}", file=sys.stderr)
    sys.exit(3)


def is_killed() -> None:
    delta("Hello")
    os.kill(os.getpid(), signal.SIGKILL)


def is_too_old() -> None:
    print("error: unknown option '--restricted'", file=sys.stderr)
    sys.exit(1)


def leaves_a_child() -> None:
    child()
    answers()


def never_ends() -> None:
    child()
    delta("Hello")
    while True:
        signal.pause()


def waits_alone() -> None:
    delta("Hello")
    while True:
        signal.pause()


def never_ends_and_ignores_the_request_to() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    never_ends()


def edits() -> None:
    Path("greeting.py").write_text("print('hello')\n", encoding="utf-8")
    say(result(result="Corrected the spelling."))


# --- codex -----------------------------------------------------------------------------------------------------------


def codex_answers() -> None:
    say({"type": "thread.started", "thread_id": "1"})
    say({"type": "turn.started"})
    say({"type": "error", "message": "Reconnecting... 2/5 (unexpected status 404 Not Found, url: ws://127.0.0.1/v1)"})
    say({"type": "item.completed", "item": {"id": "item_0", "type": "agent_message", "text": "Let me think."}})
    say({"type": "item.completed", "item": {"id": "item_1", "type": "agent_message", "text": "Hello from codex."}})
    say({"type": "turn.completed", "usage": {"input_tokens": 11, "cached_input_tokens": 4, "output_tokens": 5}})


def codex_retries_at_its_limit() -> None:
    hold = "Reconnecting... 1/5 (exceeded retry limit, last status: 429 Too Many Requests)"
    say({"type": "error", "message": hold})
    while True:
        signal.pause()


def codex_fails() -> None:
    said = "You've hit your usage limit. Upgrade to Pro or try again in 2 days 3 hours 5 minutes."
    say({"type": "turn.failed", "error": {"message": said}})
    sys.exit(1)


# --- gemini ----------------------------------------------------------------------------------------------------------


def gemini_answers() -> None:
    say({"type": "message", "role": "user", "content": "hi"})
    for piece in ("Hello from ", "gemini."):
        say({"type": "message", "role": "assistant", "content": piece, "delta": True})
    tokens = {"total_tokens": 20, "input_tokens": 12, "output_tokens": 6, "cached": 3, "input": 9}
    say({"type": "result", "status": "success", "stats": {**tokens, "models": {"gemini-3.8-flash": tokens}}})


def gemini_answers_as_one_printed_object() -> None:
    tokens = {"prompt": 12, "candidates": 6, "total": 20, "cached": 3, "thoughts": 2}
    stats = {"models": {"gemini-3.8-flash": {"tokens": tokens}}}
    print(json.dumps({"session_id": "1", "response": "Hello from gemini.", "stats": stats}, indent=2))


def gemini_spent_its_day() -> None:
    said = "[API Error: You have exhausted your daily quota on this model.]\nswitch to another /auth method"
    say({"type": "result", "status": "error", "error": {"type": "unknown", "message": said}, "stats": {}})
    sys.exit(173)


def gemini_retries() -> None:
    print("Attempt 1 failed with status 503. Retrying with backoff...", file=sys.stderr, flush=True)
    while True:
        signal.pause()


def gemini_lost_its_model() -> None:
    print("Error when talking to Gemini API ModelNotFoundError: not here", file=sys.stderr, flush=True)
    said = {"type": "unknown", "message": "[API Error: not here]"}
    say({"type": "result", "status": "error", "error": said, "stats": {}})
    sys.exit(1)


def gemini_has_no_key() -> None:
    error = {"type": "Error", "message": "Please set an Auth method in your settings.json", "code": 41}
    print(json.dumps({"session_id": "1", "error": error}, indent=2), file=sys.stderr)
    sys.exit(41)


# --- opencode --------------------------------------------------------------------------------------------------------


def step(text: str, reason: str, **tokens: int) -> None:
    say({"type": "step_start", "part": {"type": "step-start"}})
    say({"type": "text", "part": {"type": "text", "text": text}})
    counted = {"input": tokens["read"], "output": tokens["wrote"], "reasoning": 0, "cache": {"read": 5, "write": 0}}
    say({"type": "step_finish", "part": {"type": "step-finish", "reason": reason, "tokens": counted, "cost": 0.001}})


def opencode_answers() -> None:
    step("Looking.", "tool-calls", read=100, wrote=3)
    step("Hello from opencode.", "stop", read=8, wrote=7)


def opencode_has_a_wrong_key() -> None:
    data = {"message": "invalid key", "statusCode": 401, "isRetryable": False}
    say({"type": "error", "error": {"name": "APIError", "data": data}})
    sys.exit(1)


def opencode_waits_at_a_limit() -> None:
    said = 'level=ERROR message="stream error" error.error="AI_APICallError: Rate limit exceeded, try again in 30s"'
    print(said, file=sys.stderr, flush=True)
    while True:
        signal.pause()


def opencode_keeps_retrying() -> None:
    for _ in range(2):
        print('level=ERROR message="stream error" error.error="AI_APICallError: hm"', file=sys.stderr, flush=True)
    while True:
        signal.pause()


if __name__ == "__main__":
    hold_the_pipe()
    PROMPT = sys.stdin.buffer.read().decode("utf-8")
    started = {"argv": sys.argv[1:], "cwd": str(Path.cwd()), "environ": dict(os.environ), "prompt": PROMPT}
    (FOLDER / "started.json").write_text(json.dumps(started), encoding="utf-8")
    globals()[BEHAVIOUR]()
