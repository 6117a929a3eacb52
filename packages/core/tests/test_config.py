"""pym-config: where it is found, what its keys may be, and secrets from the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from harness import write
from pymacaron.config import KEYS, Config, find_config, get_config, is_secret, load_config, set_config
from pymacaron.exceptions import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def load(folder: Path, text: str) -> Config:
    return load_config(write(folder, {"pym-config.yaml": text}) / "pym-config.yaml")


def test_keys_become_attributes(tmp_path: Path) -> None:
    """A service's own keys are there beside PyMacaron's, of which those left out have their defaults."""
    config = load(tmp_path, "name: shop\nmotto: {text: buy}\n")
    assert (config.name, config.motto) == ("shop", {"text": "buy"})
    assert (config.timeout, config.jwt_issuer) == (30, None)


def test_unknown_attribute_names_a_similar_key(tmp_path: Path) -> None:
    """A misspelt key is an AttributeError that says what may have been meant."""
    config = load(tmp_path, "name: shop\n")
    with pytest.raises(AttributeError, match=r"pym-config\.yaml has no key 'jwt_isuer'; did you mean 'jwt_issuer'"):
        _ = config.jwt_isuer


def test_get_and_in_do_not_raise(tmp_path: Path) -> None:
    """``get`` returns value, default of the key or the one given, in this order; ``in`` tells what the file has."""
    config = load(tmp_path, "name: shop\n")
    assert (config.get("name"), config.get("timeout"), config.get("other", 5), config.get("other")) == (
        "shop", 30, 5, None,
    )  # fmt: skip
    assert "name" in config
    assert "timeout" not in config


def test_environment_picks_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``pym-config.<PYM_ENV>.yaml`` comes first; another environment has the general file."""
    write(tmp_path, {"pym-config.yaml": "name: general", "pym-config.test.yaml": "name: special"})
    assert find_config(tmp_path) == tmp_path / "pym-config.yaml"
    monkeypatch.setenv("PYM_ENV", "test")
    assert find_config(tmp_path) == tmp_path / "pym-config.test.yaml"
    monkeypatch.setenv("PYM_ENV", "live")
    assert find_config(tmp_path) == tmp_path / "pym-config.yaml"


def test_folder_of_server_comes_before_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file beside server.py wins; without one the working folder's is read."""
    beside, working = tmp_path / "beside", write(tmp_path / "working", {"pym-config.yaml": "name: working"})
    monkeypatch.chdir(working)
    assert find_config(beside) == working / "pym-config.yaml"
    write(beside, {"pym-config.yaml": "name: beside"})
    assert find_config(beside) == beside / "pym-config.yaml"


def test_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process reads its configuration once; forgetting it reads again."""
    monkeypatch.chdir(write(tmp_path, {"pym-config.yaml": "name: one"}))
    first = get_config()
    write(tmp_path, {"pym-config.yaml": "name: two"})
    assert get_config() is first
    set_config(None)
    assert get_config().name == "two"


def test_no_file_gives_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service without pym-config has every default, and its folder is the working folder."""
    monkeypatch.chdir(tmp_path)
    config = get_config()
    assert (config.path, config.folder, config.env, config.handlers) == (None, tmp_path, "dev", "handlers")


def test_env_secrets_replace_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that is the name of a listed variable becomes the variable's value, and is masked when shown."""
    monkeypatch.setenv("MY_KEY", "hush")
    monkeypatch.setenv("OTHER", "not listed")
    config = load(tmp_path, "env_secrets: [MY_KEY]\nstripe: MY_KEY\nplain: OTHER\njwt_secret: written\n")
    assert (config.stripe, config.plain) == ("hush", "OTHER")
    assert config.to_json() == {"env_secrets": ["MY_KEY"], "stripe": "***", "plain": "OTHER", "jwt_secret": "***"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", r"pym-config\.yaml: .*line 1|pym-config\.yaml:.*"),
        ("- a\n- b\n", "must be a mapping of keys to values, not a list"),
        ("timeout: soon", "timeout is 'soon'; it must be of type int: seconds after which a client gives up"),
        ("timeout: true", "timeout is True; it must be of type int"),
        ("ignore_base_path: 1", "ignore_base_path is 1; it must be of type bool"),
        ("error_format: xml", "error_format is 'xml'; use pymacaron or problem"),
        ("max_json_depth: 500", "max_json_depth is 500; use 1 to 200"),
        ("env_secrets: MY_KEY", "env_secrets must be a list of variables' names, not 'MY_KEY'"),
        ("env_secrets: [PYM_NOT_SET, NOR_THIS]", "names PYM_NOT_SET, NOR_THIS, which the environment does not set"),
        ("environments: [live, staging]", "PYM_ENV is 'dev', which .* does not allow; use one of live, staging"),
    ],
)
def test_fault_is_named(tmp_path: Path, text: str, message: str) -> None:
    """A file that is wrong is refused with its name, the key, the value seen and the mend."""
    with pytest.raises(ConfigError, match=message) as caught:
        load(tmp_path, text)
    assert str(tmp_path / "pym-config.yaml") in str(caught.value)


def test_unreadable_file_is_named(tmp_path: Path) -> None:
    """A file that cannot be read, or is no text, is refused with its name."""
    with pytest.raises(ConfigError, match=r"missing\.yaml: cannot be read: No such file"):
        load_config(tmp_path / "missing.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00a")
    with pytest.raises(ConfigError, match=r"binary\.yaml"):
        load_config(tmp_path / "binary.yaml")


def test_a_number_may_be_a_float(tmp_path: Path) -> None:
    """Keys that count seconds take fractions, so that a timeout may be shorter than a second."""
    assert load(tmp_path, "timeout: 0.5\n").timeout == 0.5


def test_keys_of_plugins_take_what_yaml_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a default is a float or a tuple, a whole number or a list is as good."""
    monkeypatch.setitem(KEYS, "rest", (1.5, "seconds of rest"))
    monkeypatch.setitem(KEYS, "hosts", ((), "other hosts"))
    assert load(tmp_path, "rest: 2\nhosts: [a]").to_json() == {"rest": 2, "hosts": ["a"]}
    with pytest.raises(ConfigError, match="rest is 'long'; it must be of type float"):
        load(tmp_path, "rest: long")


def test_required_key_says_what_for(tmp_path: Path) -> None:
    """A key that something needs is asked for with its reason."""
    with pytest.raises(ConfigError, match="the key 'docker_repo' is missing: images go there"):
        load(tmp_path, "name: x").require("docker_repo", "images go there")


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        ("jwt_secret", True), ("db_password", True), ("API_TOKEN", True), ("Authorization", True), ("Set-Cookie", True),
        ("env_secrets", False), ("jwt_token_timeout", False), ("name", False),
    ],
)  # fmt: skip
def test_secrets_are_told_by_name(key: str, secret: bool) -> None:
    """Names that tell of a secret are recognized, in any case."""
    assert is_secret(key) is secret


def test_every_key_has_a_meaning() -> None:
    """Each known key says what it is for, on one line."""
    values: dict[str, Any] = {key: meaning for key, (_, meaning) in KEYS.items()}
    assert all(isinstance(meaning, str) and meaning and "\n" not in meaning for meaning in values.values())
