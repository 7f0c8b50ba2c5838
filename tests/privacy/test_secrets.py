"""What is found to be a credential, and what is not; where, and never what."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegate_mcp.privacy.secrets import scan
from tests.privacy import made

HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"git clone with {made.GITHUB} please", "github-pat"),
        (f"GROQ_API_KEY={made.GROQ}", "groq-api-key"),
        (f"aws_access_key_id = {made.AWS_ID}", "aws-access-key-id"),
        (f'aws_secret_access_key = "{made.AWS_SECRET}"', "secret"),
        (f"the key:\n{made.PEM}\nthanks", "private-key"),
        (f'"private_key": "{made.PEM}"'.replace("\n", "\\n"), "private-key"),
        (f"Authorization: Bearer {made.JWT}", "jwt"),
        (f"SLACK={made.SLACK}", "slack-bot-token"),
        (f"const k = '{made.GOOGLE}'", "gcp-api-key"),
        (f"postgres://app:{made.PASSWORD}@db.intern.net:5432/x", "url-password"),
        (f"password = '{made.PASSWORD}'", "password"),
        (f"password: str = '{made.PASSWORD}'", "password"),
        (f"DB_PASSWORD={made.PASSWORD}", "password"),
        (f"db:\n  password: {made.PASSWORD}", "password"),
        (f"<password>{made.PASSWORD}</password>", "password"),
        (f"Connect-Server -Password {made.PASSWORD}", "password"),
        (f'if ("{made.PASSWORD}" == password)', "password"),
        (f'os.getenv("API_TOKEN", "{HEX[:8]}-{HEX[8:24]}")', "secret"),
        (f'client_secret: "{HEX}"', "secret"),
        ("Authorization: Basic " + "YW5uYTpUN2t4IXZQMnE=", "basic-auth"),
        ("curl -u anna:" + made.PASSWORD + " https://intern.net", "command-line-password"),
    ],
)
def test_a_credential_is_found_by_its_kind(text: str, kind: str) -> None:
    assert kind in {finding.kind for finding in scan(text)}


@pytest.mark.parametrize(
    "text",
    [
        "password = os.environ['PASSWORD']",
        "password = getpass.getpass()",
        "PASSWORD=${DB_PASSWORD}",
        'api_key = "<your-key>"',
        'api_key = "your-api-key-1234"',
        "password: changeme",
        'token = "xxxxxxxxxxxxxxxxxxxx"',
        'password = "{{ vault.password }}"',
        "secret_key_base: <%= ENV['SECRET_KEY_BASE'] %>",
        "postgres://user:password@localhost:5432/app",
        f"commit {HEX[:40]}",
        f"sha256:{HEX}",
        f'"integrity": "sha512-{made.AWS_SECRET}{made.AWS_SECRET}=="',
        'id = "925ce305-2268-44c4-875f-dde9128520ad"',
        "data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUgAA" * 40,
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7vbqajDhA" + HEX,
        'public_key = "9Cnzj4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit"',
        "max_tokens = 4096",
        'tokenizer = "cl100k_base"',
        'secret_name = "prod-db-2"',
        "Type your password and press enter. The token is 20 characters long.",
        '{"password": "Passwort", "key": "value"}',
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n-----END PUBLIC KEY-----",
        'HEAD = b"-----BEGIN OPENSSH PRIVATE KEY-----"\nEND = b"-----END OPENSSH PRIVATE KEY-----"',
        "def authenticate(self, token: str) -> User: ...",
    ],
)
def test_what_stands_for_a_credential_is_none(text: str) -> None:
    assert [finding.kind for finding in scan(text)] == []


def test_the_place_is_the_value_alone_and_the_line_is_counted_from_one() -> None:
    text = f"Grüße, 中文\n\nDB_PASSWORD={made.PASSWORD}\r\nmore 🙂 {made.GITHUB}\n"
    assert [(text[row.start : row.end], row.line) for row in scan(text)] == [(made.PASSWORD, 3), (made.GITHUB, 4)]


def test_a_private_key_is_covered_to_its_last_line() -> None:
    text = f"a\n{made.PEM}\nb"
    assert [(row.start, text[row.end :]) for row in scan(text)] == [(2, "\nb")]


def test_a_credential_behind_a_megabyte_of_text_is_found() -> None:
    text = "The quick brown fox jumps over the lazy dog, and the token bucket holds.\n" * 14_000
    assert [(row.kind, row.line) for row in scan(text + made.GITHUB)] == [("github-pat", 14_001)]


PIECES = st.sampled_from(
    ["password", "=", '"', "'", "key:", "token", "\n", "\\", "://", ":", "@", "{", "}", "$", "eyJ", "-----BEGIN ",
     "PRIVATE KEY-----", "Basic ", "sk-", "ü", "\ud800", "\x00", made.GITHUB, made.PASSWORD, made.JWT]
)  # fmt: skip


@given(st.lists(st.one_of(PIECES, st.text(max_size=8))).map("".join))
def test_whatever_the_text_places_are_in_order_inside_it_and_none_is_empty(text: str) -> None:
    found = scan(text)
    assert all(0 <= row.start < row.end <= len(text) for row in found)
    assert all(before.end <= after.start for before, after in pairwise(found))
    assert all(row.line == text.count("\n", 0, row.start) + 1 for row in found)


@given(st.text(alphabet="abc \n.:()é", max_size=60), st.text(alphabet="abc \n.:()é", max_size=60))
def test_a_token_is_found_wherever_it_stands(before: str, after: str) -> None:
    text = f"{before} {made.GITHUB} {after}"
    assert [text[row.start : row.end] for row in scan(text)] == [made.GITHUB]
