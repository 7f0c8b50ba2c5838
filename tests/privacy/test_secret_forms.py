"""Known forms: their length and signs are exact, and what only resembles them is none of them."""

import base64
import json

import pytest

from delegate_mcp.privacy.secrets import scan
from tests.privacy import made

MIXED = "q7Xm2ZpL9vRt4NwB8sHdKc3YfJ6gTa5Q" * 4
HEX = "9f86d081884c7d659a2feaa0c55ad015"
UUID = "925ce305-2268-44c4-875f-dde9128520ad"
DISCORD_ID = base64.b64encode(b"198622483471925248").decode().rstrip("=")
DISCORD_OLD_ID = base64.b64encode(b"98622483471925248").decode().rstrip("=")


def _part(**claims: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


def _kinds(text: str) -> set[str]:
    return {finding.kind for finding in scan(text)}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *((f"gl{kind}-{MIXED[:20]}", name) for kind, name in [("pat", "gitlab-pat"), ("soat", "gitlab-scim-token")]),
        (f"glsoat-{MIXED[:48]}", "gitlab-scim-token"),
        (f"glptt-{MIXED[:40]}", "gitlab-ptt"),
        (f"glagent-{MIXED[:72]}", "gitlab-kubernetes-agent-token"),
        (f"{_part(alg='HS256')}.{_part(name='Anna', role='admin')}", "jwt"),
        (f"{_part(alg='RSA-OAEP', enc='A256GCM')}.{MIXED[:43]}.{MIXED[:16]}.{MIXED[:40]}.{MIXED[:22]}", "jwt"),
        (f"pypi-AgENdGVzdC5weXBpLm9yZw{MIXED[:90]}", "pypi-upload-token"),
        (f"sk-proj-{MIXED[:20]}T3BlbkFJ{MIXED[20:40]}", "openai-api-key"),
        (f"rk_live_{MIXED[:24]}", "stripe-access-token"),
        (f"SG.{MIXED[:22]}.{MIXED[:43]}", "sendgrid-api-token"),
        (f"{DISCORD_ID}.Cl2FMQ.{MIXED[:27]}", "discord-bot-token"),
        (f"{DISCORD_OLD_ID}.Cl2FMQ.{MIXED[:27]}", "discord-bot-token"),
        (f"https://api.telegram.org/bot110201543:AA{MIXED[:33]}/getMe", "telegram-bot-token"),
        (f"//npm.intern.net/:_authToken={UUID}", "npm-registry-token"),
        (f"xoxp-523423-234243-{MIXED[:20]}", "slack-token"),
        ("kubectl: " + base64.b64encode(made.PEM.encode()).decode(), "private-key-base64"),
        (f"Server=db;User Id=anna;Password={'good' + 'spec'};Database=x", "connection-string-password"),
    ],
)
def test_a_known_form_is_found(text: str, kind: str) -> None:
    assert kind in _kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        f"glpat-{MIXED[:19]}",
        f"glpat-{MIXED[:51]}",
        f"gloas-{MIXED[:66]}",
        f"glimt-{MIXED[:27]}",
        f"{_part(alg='HS256')}.{MIXED[:40]}.{MIXED[:40]}",
        f"{_part(typ='JWT')}.{_part(name='Anna')}.{MIXED[:40]}",
        f"sk-proj-{MIXED[:20]}T4BlbkFJ{MIXED[20:40]}",
        f"sk_live_{MIXED[:22]}",
        f"SG.{MIXED[:22]}.{MIXED[:42]}",
        f"SG.{MIXED[:22]}..{MIXED[:43]}",
        f"{DISCORD_ID[:-1]}.Cl2FM.{MIXED[:27]}",
        f"M{MIXED[:22]}.Cl2FMQ.{MIXED[:27]}",
        f"registry.intern.net/:_authToken={UUID}",
        f"_authToken={UUID}",
        "Server=db;User Id=anna;Password=${DB_PASSWORD};Database=x",
        "utils.bigIntAndBufferInt64CheckedValue2(offset)",
        "stack = _lib.sk_X509_EXTENSION_new_null2()",
        "class APFixedPointSemantics:",
        f"BSA/x+BSA{MIXED[:28]} ",
        "https://anna:***@intern.net/x",
        "http://abc:xyz@example.com/",
        "# the machine's login / password\nlogin_name = 1",
        f'"auth": "{HEX}"',
    ],
)
def test_what_only_resembles_a_known_form_is_none(text: str) -> None:
    assert _kinds(text) == set()


@pytest.mark.parametrize("after", [",", ")", ".", "!", "<br/>", "`", "]", "}", "&x=1", "**"])
def test_a_token_in_prose_ends_where_its_sentence_goes_on(after: str) -> None:
    token = f"sq0atp-{MIXED[:22]}"
    assert [finding.kind for finding in scan(f"use ({token}{after}")] == ["square-access-token"]
