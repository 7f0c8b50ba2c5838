"""What a director reads when its host's patience ends before the call does."""

from delegate_mcp.delivery.reply import Reply


def running_reply(call_id: str, label: str, tokens: int) -> Reply:
    """The call goes on; how far it is, and how to come back for it."""
    how_far = f"{label} has written {tokens} tokens" if tokens else label or "it waits for its turn"
    text = f"Still running: {how_far}. Do something else, then delegate_result {call_id}.\n\n[{call_id} running]"
    return Reply(text, {"delegate": {"call_id": call_id, "state": "running", "model": label, "output_tokens": tokens}})
