"""Options over environment over file over defaults."""

from __future__ import annotations

from pathlib import Path

import pytest

from tocsin.config.loading import Loaded, Option, load
from tocsin.config.mistake import ConfigMistakes
from tocsin.config.settings import settings, variables
from tocsin.errors import ConfigError


def mistakes(
    text: str, folder: Path, environ: dict[str, str] | None = None
) -> list[str]:
    """What is told about a file, without the folder it stands in."""
    file = folder / "t.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigMistakes) as caught:
        load(file=file, environ=environ or {})
    return [str(m).replace(f"{folder}/", "") for m in caught.value.mistakes]


def loaded(text: str, folder: Path, environ: dict[str, str] | None = None) -> Loaded:
    """What a file and the environment make together."""
    file = folder / "t.yaml"
    file.write_text(text, "utf-8")
    return load(file=file, environ=environ or {})


def test_an_option_wins_over_the_environment_and_that_over_the_file(
    tmp_path: Path,
) -> None:
    file = tmp_path / "t.yaml"
    file.write_text("id: file\nhttp: file:1\nbus: {topic_prefix: file}\n", "utf-8")
    environ = {"TOCSIN_HTTP": "env:2", "TOCSIN_BUS_TOPIC_PREFIX": "env"}
    option = Option(("bus", "topic_prefix"), "--topic-prefix", "opt")

    found = load(file=file, environ=environ, options=(option,))

    assert found.config.id == "file"
    assert found.config.http == "env:2"
    assert found.config.bus.topic_prefix == "opt"
    assert found.config.collector.start == "beginning"
    assert str(found.origins[("id",)]) == f"{file}:1:5"
    assert str(found.origins[("bus", "topic_prefix")]) == "--topic-prefix"


def test_all_mistakes_of_all_sources_are_told_at_once(tmp_path: Path) -> None:
    text = "buss: {}\nprocessor: {flush: 1}\ncollector: {start: now}\n"
    environ = {"TOCSIN_START": "later", "TOCSIN_SLACK_BOT_TOKEN": "xoxb-1"}

    duration = 'expected a duration such as "30s" or "5m", got 1'
    channel = "a bot token needs the channel to post to; set TOCSIN_SLACK_CHANNEL too"

    told = mistakes(text, tmp_path, environ)

    assert told == [
        't.yaml:1:1: buss: unknown key; did you mean "bus"?',
        f"t.yaml:2:20: processor.flush: {duration}",
        't.yaml:3:20: collector.start: expected "beginning" or "end", got "now"',
        f"TOCSIN_SLACK_BOT_TOKEN: {channel}",
        'TOCSIN_START: expected "beginning" or "end", got "later"',
    ]


def test_a_secret_is_never_told(tmp_path: Path) -> None:
    text = "alerting:\n  slack:\n    webhook_url: hush-1\n    bot_token: [hush-2]\n"
    environ = {"TOCSIN_SLACK_WEBHOOK_URL": "hush-3", "TOCSIN_HTTP": "x"}

    told = mistakes(text, tmp_path, environ)

    assert len(told) == 5
    assert "hush" not in " ".join(told)


def test_a_secret_comes_from_the_file_that_a_variable_names(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("xoxb-1\n", "utf-8")

    found = loaded(
        "",
        tmp_path,
        {"TOCSIN_SLACK_BOT_TOKEN_FILE": str(secret), "TOCSIN_SLACK_CHANNEL": "#a"},
    )

    token = found.config.alerting.slack.bot_token
    assert token is not None
    assert token.get_secret_value() == "xoxb-1"
    assert "xoxb" not in repr(found)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda _: None, "No such file or directory"),
        (lambda path: path.mkdir(), "Is a directory"),
        (lambda path: path.write_bytes(b" \n"), "is empty"),
        (lambda path: path.write_bytes(b"\xff"), "is not text"),
    ],
    ids=["missing", "folder", "empty", "binary"],
)
def test_a_secret_file_that_cannot_be_used_is_told(
    tmp_path: Path, make: object, problem: str
) -> None:
    path = tmp_path / "secret"
    assert callable(make)
    make(path)

    with pytest.raises(ConfigMistakes) as caught:
        load(file=None, environ={"TOCSIN_SLACK_WEBHOOK_URL_FILE": str(path)})

    (told,) = map(str, caught.value.mistakes)
    assert told.startswith("TOCSIN_SLACK_WEBHOOK_URL_FILE: ")
    assert str(path) in told
    assert problem in told


def test_two_variables_for_one_setting_are_a_mistake() -> None:
    with pytest.raises(ConfigMistakes) as caught:
        load(file=None, environ={"TOCSIN_BUS": "embedded://", "TOCSIN_BUS_URL": "x"})

    told = [str(mistake) for mistake in caught.value.mistakes]
    assert told == ["TOCSIN_BUS_URL: TOCSIN_BUS sets bus.url too; keep one of them"]


def test_an_empty_variable_sets_nothing() -> None:
    found = load(file=None, environ={"TOCSIN_SLACK_BOT_TOKEN": "", "TOCSIN_BUS": ""})

    assert found.config.alerting.slack.bot_token is None
    assert found.config.bus.url == "embedded://"


def test_a_variable_that_looks_mistyped_is_told_and_a_foreign_one_is_not() -> None:
    environ = {"TOCSIN_BUS_ULR": "x", "TOCSIN_PORT_80_TCP_ADDR": "10.0.0.1"}

    found = load(file=None, environ=environ)

    assert found.warnings == (
        "TOCSIN_BUS_ULR is no setting; did you mean TOCSIN_BUS_URL?",
    )


def test_the_kafka_client_is_configured_by_file_and_environment(tmp_path: Path) -> None:
    text = "bus:\n  kafka:\n    enable.ssl.certificate.verification: true\n"

    found = loaded(text, tmp_path, {"TOCSIN_BUS_KAFKA_SASL_PASSWORD": "hush"})

    kafka = {k: v.get_secret_value() for k, v in found.config.bus.kafka.items()}
    assert kafka == {
        "enable.ssl.certificate.verification": "true",
        "sasl.password": "hush",
    }
    assert "hush" not in repr(found)


@pytest.mark.parametrize(("value", "created"), [("1", []), ("false", ["topics"])])
def test_not_to_create_topics_can_be_said_in_the_environment(
    value: str, created: list[str]
) -> None:
    found = load(file=None, environ={"TOCSIN_NO_CREATE_TOPICS": value})

    assert found.config.bus.create_topics is bool(created)


def test_lists_in_the_environment_are_separated_by_commas() -> None:
    environ = {"TOCSIN_PATHS": "/a, /b", "TOCSIN_ALERTING_BURST_WINDOWS": "1s,1m"}

    found = load(file=None, environ=environ)

    assert found.config.collector.paths == ["/a", "/b"]
    assert found.config.alerting.burst.windows == [1.0, 60.0]


def test_a_topic_keeps_its_own_defaults_where_one_key_is_set(tmp_path: Path) -> None:
    found = loaded("bus: {alerts: {partitions: 2}}\n", tmp_path)

    assert found.config.bus.alerts.partitions == 2
    assert found.config.bus.alerts.retention == 30 * 86400


def test_a_section_whose_keys_are_commented_out_sets_nothing(tmp_path: Path) -> None:
    found = loaded("collector:\n  # start: end\nbus:\n  alerts:\n", tmp_path)

    assert found.config.collector.start == "beginning"


def test_paths_in_a_file_are_meant_from_its_folder(tmp_path: Path) -> None:
    text = "state_dir: state\ncollector: {paths: [logs, /var/log]}\n"

    found = loaded(text, tmp_path)

    assert found.config.state_dir == tmp_path / "state"
    assert found.config.collector.paths == [f"{tmp_path}/logs", "/var/log"]


def test_a_file_that_is_missing_or_no_text_names_the_cure(tmp_path: Path) -> None:
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe")

    for file in (tmp_path / "none.yaml", tmp_path, binary):
        with pytest.raises(ConfigError, match=str(file)) as caught:
            load(file=file, environ={})
        assert caught.value.hint


def test_yaml_1_2_reads_yes_and_colons_as_text_and_012_as_twelve(
    tmp_path: Path,
) -> None:
    found = loaded(
        "id: yes\nbus: {topic_prefix: NO, replication: 03}\n"
        "collector: {max_open_files: 0x40}\n",
        tmp_path,
    )

    assert found.config.id == "yes"
    assert found.config.bus.topic_prefix == "NO"
    assert found.config.bus.replication == 3
    assert found.config.collector.max_open_files == 64


def test_every_setting_has_one_variable_of_its_own() -> None:
    names = [setting.variable for setting in settings()]

    assert len(set(names)) == len(names)
    for name, setting in variables().items():
        twin = variables().get(setting.variable)
        assert twin is setting, f"{name} leads elsewhere"
