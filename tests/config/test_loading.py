"""Settings: where they come from, and what a typo is told."""

from pathlib import Path

import pytest

from delegate_mcp.config.keys import find_key
from delegate_mcp.config.loading import Loaded, load_settings
from delegate_mcp.domain.errors import ConfigError

PROVIDERS = ["groq", "gemini", "llama-server"]


def load(tmp_path: Path, text: str = "", **variables: str) -> Loaded:
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(text)
    environ = {"DELEGATE_MCP_HOME": str(home), **variables}
    return load_settings(environ, cwd=tmp_path, user_home=tmp_path / "user", providers=PROVIDERS)


def test_a_variable_overrides_the_file_and_the_rest_keeps_its_default(tmp_path: Path) -> None:
    text = '[calls]\ndeadline_s = 10\nidle_s = 3\n[providers.groq]\nbase_url = "http://a"\n'
    settings = load(tmp_path, text, DELEGATE_MCP_CALLS__IDLE_S="4").settings
    assert (settings.calls.deadline_s, settings.calls.idle_s, settings.calls.connect_s) == (10, 4, 5)
    assert settings.provider("groq").base_url == "http://a"


def test_a_provider_is_named_by_a_variable_even_where_its_name_holds_a_hyphen(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        DELEGATE_MCP_PROVIDERS__GROQ__BASE_URL="http://127.0.0.1:1",
        DELEGATE_MCP_PROVIDERS__LLAMA_SERVER__ENABLED="false",
    ).settings
    assert settings.provider("groq").base_url == "http://127.0.0.1:1"
    assert settings.provider("llama-server").enabled is False


def test_a_list_and_a_token_come_from_variables(tmp_path: Path) -> None:
    settings = load(tmp_path, DELEGATE_MCP_FILES__ROOTS='["/a", "/b"]', DELEGATE_MCP_TOKEN="t0ken").settings
    assert settings.files.roots == (Path("/a"), Path("/b"))
    assert settings.server.token is not None
    assert settings.server.token.get_secret_value() == "t0ken"
    assert "t0ken" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[calls]\ndeadlines = 3\n", ["calls.deadlines", "line 2", "`deadline_s`"]),
        ("\n[provders.groq]\n", ["provders", "`providers`"]),
        ("[providers.grok]\nenabled = true\n", ["providers.grok", "line 1", "`groq`"]),
        ('[providers.groq]\n\napi_keys = "x"\n', ["providers.groq.api_keys", "line 3", "`api_key`"]),
        ("[calls]\ndeadline_s = -1\n", ["calls.deadline_s", "line 2", "greater than 0"]),
        ("[calls\n", ["not TOML", "line 1"]),
    ],
)
def test_a_typo_in_the_file_names_the_key_the_line_and_the_right_one(
    tmp_path: Path, text: str, told: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    for part in told:
        assert part in str(caught.value)


def test_a_typo_in_a_variable_names_the_variable_and_the_right_key(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"DELEGATE_MCP_CALL__IDLE_S.*`calls`"):
        load(tmp_path, DELEGATE_MCP_CALL__IDLE_S="4")


def test_a_value_that_cannot_be_names_its_variable_but_not_the_value(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="DELEGATE_MCP_CALLS__IDLE_S") as caught:
        load(tmp_path, DELEGATE_MCP_CALLS__IDLE_S="s3cret")
    assert "s3cret" not in str(caught.value)


def test_a_list_that_is_no_json_says_how_lists_are_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="written as JSON"):
        load(tmp_path, DELEGATE_MCP_FILES__ROOTS="/a")


def test_keys_come_from_the_environment_then_the_nearest_dotenv_then_the_settings(tmp_path: Path) -> None:
    (tmp_path / "user").mkdir()
    (tmp_path / ".env").write_text("GROQ_API_KEY=near\n")
    (tmp_path / "user" / ".env").write_text("GROQ_API_KEY=far\nGEMINI_API_KEY=far\n")
    loaded = load(tmp_path, '[providers.llama-server]\napi_key = "own"\n')

    def key(provider: str, name: str, environ: dict[str, str] | None = None) -> str | None:
        found = find_key(provider, (name,), settings=loaded.settings, environ=environ or {}, dotenv=loaded.dotenv)
        return found.value.get_secret_value() if found else None

    assert key("groq", "GROQ_API_KEY", {"GROQ_API_KEY": "here"}) == "here"
    assert key("groq", "GROQ_API_KEY", {"GROQ_API_KEY": ""}) == "near"
    assert key("groq", "GROQ_API_KEY", {"GROQ_API_KEY": "${GROQ_API_KEY}"}) == "near"
    assert key("gemini", "GEMINI_API_KEY") == "far"
    assert key("llama-server", "NO_SUCH_KEY") == "own"
    assert key("groq", "NO_SUCH_KEY") is None


def test_a_dotenv_of_the_checkout_cannot_change_settings(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DELEGATE_MCP_PROVIDERS__GROQ__BASE_URL=http://stranger.example\n")
    assert load(tmp_path).settings.provider("groq").base_url is None


def test_a_rules_file_beside_the_settings_is_found(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    rules = tmp_path / "home" / "rules.toml"
    assert load(tmp_path).settings.rules is None
    rules.write_text("")
    assert load(tmp_path).settings.rules == rules
