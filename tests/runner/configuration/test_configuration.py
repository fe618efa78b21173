"""The configuration: a file, overridden by the environment, overridden by options; every problem told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from kable_destination.definitions import SetupError
from kable_destination.runner.configuration.configuration import Configuration
from kable_destination.runner.configuration.environment import environment_name

EXAMPLES = Path(__file__).parents[3] / "examples"
ENVIRONMENT = {"KABLE_API_KEY": "sk_test.abcdefgh", "KABLE_CLIENT_ID": "kci_environment"}


def configuration(folder: Path, text: str, environment: dict[str, str] | None = None) -> Configuration:
    """Read a configuration file with this text."""
    path = folder / "kable.toml"
    path.write_text(text, encoding="utf-8")
    return Configuration(path, environment=ENVIRONMENT if environment is None else environment)


@pytest.mark.parametrize(
    ("setting", "variable"),
    [
        ("apiKey", "KABLE_API_KEY"),
        ("kableClientId", "KABLE_CLIENT_ID"),
        ("clientIdField", "KABLE_CLIENT_ID_FIELD"),
        ("propertiesMappings", "KABLE_PROPERTIES_MAPPINGS"),
        ("base_url", "KABLE_BASE_URL"),
    ],
)
def test_a_setting_has_an_environment_variable(setting: str, variable: str) -> None:
    assert environment_name("kable", setting) == variable


def test_the_environment_wins_over_the_file_and_options_over_both(tmp_path: Path) -> None:
    text = """
        [settings]
        kableClientId = "kci_file"
        clientIdField = "context.groupId"
        [delivery]
        batchSize = 7
        concurrency = 2
        baseUrl = "http://127.0.0.1:1"
        """
    path = tmp_path / "kable.toml"
    path.write_text(text, encoding="utf-8")
    read = Configuration(
        path,
        environment={**ENVIRONMENT, "KABLE_CONCURRENCY": "3", "KABLE_BATCH_SIZE": "8"},
        delivery={"batch_size": 9, "base_url": None},
    )
    settings = read.set_up().settings
    assert (settings["kableClientId"], settings["clientIdField"]) == ("kci_environment", "context.groupId")
    assert (read.delivery.batch_size, read.delivery.concurrency) == (9, 3)
    assert read.delivery.base_url == "http://127.0.0.1:1"


def test_a_text_map_comes_from_the_environment_as_json(tmp_path: Path) -> None:
    environment = {**ENVIRONMENT, "KABLE_PROPERTIES_MAPPINGS": '{"segmentX": "kableX"}'}
    assert configuration(tmp_path, "", environment).set_up().settings["propertiesMappings"] == {"segmentX": "kableX"}
    with pytest.raises(SetupError, match="KABLE_PROPERTIES_MAPPINGS"):
        configuration(tmp_path, "", {**ENVIRONMENT, "KABLE_PROPERTIES_MAPPINGS": "segmentX:kableX"}).set_up()


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("[setings]", "setings", "settings"),
        ("[settings]\napikey = 'x'", "settings.apikey", "apiKey"),
        ("[settings]\nkableClientID = 'x'", "settings.kableClientID", "kableClientId"),
        ("[delivery]\nbatchsize = 5", "delivery.batchsize", "batchSize"),
        (
            "[[subscriptions]]\nsubscribe = 'type = \"track\"'\npartneraction = 'track'",
            "partneraction",
            "partnerAction",
        ),
        (
            "[[subscriptions]]\nsubscribe = 'type = \"track\"'\npartnerAction = 'trak'",
            "subscriptions[0].partnerAction",
            '"track"',
        ),
        (
            "[[subscriptions]]\nsubscribe = 'type = \"track\"'\npartnerAction = 'track'\nmapping = {clientID = 'x'}",
            "subscriptions[0].mapping.clientID",
            '"clientId"',
        ),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_known_one(tmp_path: Path, text: str, place: str, hint: str) -> None:
    with pytest.raises(SetupError) as caught:
        configuration(tmp_path, text).set_up()
    assert any(place in problem.place and hint in problem.message for problem in caught.value.problems), caught.value


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    text = """
        [settings]
        colour = "red"
        [settings.propertiesMappings]
        a = "x"
        b = "x"
        [[subscriptions]]
        partnerAction = "track"
        subscribe = 'type = '
        [[subscriptions]]
        partnerAction = "track"
        subscribe = 'type = "track"'
        [subscriptions.mapping]
        clientId = { "@pth" = "$.userId" }
        [delivery]
        concurrency = 99
        """
    with pytest.raises(SetupError) as caught:
        configuration(tmp_path, text, {}).set_up()
    places = " ".join(problem.place for problem in caught.value.problems)
    for place in (
        "settings.colour",
        "settings.apiKey",
        "settings.kableClientId",
        "subscriptions[0].subscribe",
        "subscriptions[1].mapping.clientId",
        "delivery.concurrency",
    ):
        assert place in places


@pytest.mark.parametrize("text", ["settings = 5", "subscriptions = 5", "delivery = 5", "destination = 5", "[["])
def test_a_file_of_the_wrong_shape_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SetupError):
        configuration(tmp_path, text).set_up()


def test_a_missing_file_and_a_missing_plugin_are_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"none\.toml"):
        Configuration(tmp_path / "none.toml", environment={})
    with pytest.raises(SetupError, match="kable"):
        Configuration(environment={}, destination="kabel")


def test_the_example_configuration_sets_up(tmp_path: Path) -> None:
    text = (EXAMPLES / "kable.toml").read_text(encoding="utf-8")
    assert len(configuration(tmp_path, text).set_up().subscriptions) == 2


@pytest.mark.parametrize(("text", "path"), [("false", False), ("elsewhere.sqlite", "elsewhere.sqlite")])
def test_the_environment_may_name_the_outbox_or_do_without(text: str, path: str | bool) -> None:
    read = Configuration(environment={**ENVIRONMENT, "KABLE_OUTBOX": text})
    read.set_up()
    assert read.delivery.outbox == path
