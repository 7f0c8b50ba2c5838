"""Values that are given to a name, in whatever syntax; and what is given to a name and is no secret."""

import re
import time

import pytest

from delegate_mcp.privacy.secrets import scan
from tests.privacy import made

KEY = "q7Xm2ZpL9vRt4NwB8sHd"

SYNTAXES = (
    'N = "V"', "N: 'V'", 'N := "V"', "'N' => 'V'", '"N":"V"', 'if N != "V" {', 'if ("V" == N)', 'N("V")',
    'c["N"] = "V"', 'NSString *N = @"V";', 'N = new String("V")', 'let N = Some("V")', 'N := []byte("V")', "N := `V`",
    "--N V", "--N=V", "export N=V", "N: V  # why", "<N>V</N>", '<add key="N" value="V"/>', "- name: N\n  value: V",
    '("N", "V")', '#define N "V"', 'N ||= "V"', 'N <- "V"', "ENV N V", "set N=V", 'N              = "V"',
    'variable "N" {\n  default = "V"\n}', 'const N: string = "V"', '\\"N\\": \\"V\\"', "?N=V&x=1",
)  # fmt: skip

NO_VALUES = (
    'N = os.getenv("X")', "N = self.N", "N: str", "N = None", 'N = "${N}"', "N = $N", 'N = "{{ N }}"', "N = args.N",
    'N = "your_N_here"', "N=<N>", "N: string;", 'N = input("Enter N: ")', 'N = "xxxxxxxx"', "N=%s", 'N = "#{N}"',
    "N: !vault |", "N=$(cat f)", 'N = "<%= x %>"', "N = TEST_X509_A", "N = on|off", "N = scram-sha-256",
    "export N=\"'$X'\"", '"//x/:N = "+new Buffer("feast").f("x")', '"N":"/en/server@3.0/auth"',
    'N = "the N of the user"', '"N"</span><span class="x">', "N,\n  Ed25519PrivateKey, Ed448PrivateKey",
    'N("path") + ".key"',
)  # fmt: skip


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    ("name", "value"), [("db_password", made.PASSWORD), ("api_key", KEY), ("clientSecret", KEY), ("cache_pw", KEY)]
)
def test_a_value_is_found_in_every_syntax(syntax: str, name: str, value: str) -> None:
    text = re.sub(r"\bN\b", name, syntax).replace("V", value)
    assert any(value in text[row.start : row.end] for row in scan(text))


@pytest.mark.parametrize("text", NO_VALUES)
@pytest.mark.parametrize("name", ["db_password", "api_key"])
def test_what_is_no_value_is_none_in_any_syntax(text: str, name: str) -> None:
    assert scan(re.sub(r"\bN\b", name, text)) == []


@pytest.mark.parametrize("name", ["AZURE_OPENAI_KEY", "openrouter-key", "stripe.key"])
def test_a_service_s_key_of_plain_hexadecimal_digits_is_found(name: str) -> None:
    assert [row.kind for row in scan(f"{name}=9f86d081884c7d659a2feaa0c55ad015")] == ["secret"]


def test_letters_in_no_order_are_a_key_and_words_are_none() -> None:
    assert [row.kind for row in scan('api_key = "qzmwkxvtplhjbgfdrycnqwtz"')] == ["secret"]
    assert scan('api_key = "providerConfigurationName"') == []


def test_small_words_are_a_passphrase_and_a_sentence_is_none() -> None:
    assert [row.kind for row in scan("password: 'correct horse battery staple'")] == ["password"]
    assert scan("password: 'the one you were given'") == []
    assert scan("password: 'must have eight letters'") == []


@pytest.mark.parametrize(
    "piece", ["password" + " " * 60, "key {  ", "token ? : a ", 'key, "value" ', "secret=" + "\\" * 9]
)
def test_a_text_made_to_be_slow_is_read_in_time(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    start = time.process_time()
    scan(text)
    assert time.process_time() - start < 5  # a tenth of that; quadratic time would be minutes
