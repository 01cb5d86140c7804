"""The compose file agrees with itself, with its neighbours and with the code."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.broker import KAFKA
from tests.dashboards.stack import (
    ROOT,
    Compose,
    Service,
    image_environment,
    load_yaml,
    resolved,
)
from tocsin.config.loading import load
from tocsin.config.settings import variables

PROVISIONING = ROOT / "dashboards" / "grafana" / "provisioning"


@pytest.fixture(scope="module")
def compose() -> Compose:
    return Compose()


@pytest.fixture(scope="module")
def prometheus() -> Any:
    return load_yaml(ROOT / "dashboards" / "prometheus" / "prometheus.yml")


@pytest.fixture(scope="module")
def datasource() -> Any:
    return load_yaml(PROVISIONING / "datasources" / "prometheus.yml")["datasources"][0]


def test_docker_compose_accepts_the_file() -> None:
    program = Path(sys.executable).with_name("docker-compose")
    done = subprocess.run(
        [program, "-f", ROOT / "docker-compose.yml", "--profile", "*", "config", "-q"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_the_whole_system_is_there(compose: Compose) -> None:
    always = {
        name for name, one in compose.services.items() if "profiles" not in one.raw
    }

    assert always == {
        *("kafka", "collector", "processor", "alerting", "prometheus", "grafana")
    }
    assert compose.services["demo"].raw["profiles"] == ["demo"]
    assert compose.services["kafka-ui"].raw["profiles"] == ["debug"]


def test_published_ports_differ_and_are_on_loopback(compose: Compose) -> None:
    ports = [port for one in compose.services.values() for port in one.ports]
    times = Counter(port.host for port in ports)

    assert {port.address for port in ports} == {"127.0.0.1"}
    assert [port for port, count in times.items() if count > 1] == []


def test_what_is_waited_for_exists_and_can_be_healthy(compose: Compose) -> None:
    for service in compose.services.values():
        for needed, condition in service.needs.items():
            assert needed in compose.services
            assert condition == "service_healthy"
            assert compose.services[needed].has_healthcheck, needed


def test_mounted_paths_of_the_repository_are_folders_that_exist(
    compose: Compose,
) -> None:
    mounts = [mount for one in compose.services.values() for mount in one.mounts]
    ours = [mount for mount in mounts if mount.source.startswith("./")]

    assert len(ours) == 3
    assert [mount for mount in ours if not (ROOT / mount.source).is_dir()] == []
    assert all(mount.read_only for mount in mounts if mount.is_bind)


def test_volumes_and_secrets_are_declared_and_used(compose: Compose) -> None:
    services = compose.services.values()
    used = {
        mount.source for one in services for mount in one.mounts if not mount.is_bind
    }
    secrets = {name for one in services for name in one.raw.get("secrets", [])}

    assert used == set(compose.raw["volumes"])
    assert secrets == set(compose.raw["secrets"])


def test_secrets_come_as_files_that_are_mounted(compose: Compose) -> None:
    alerting = compose.services["alerting"]
    given = {name: f"/my/{name}" for name in alerting.environment if "_FILE" in name}

    inside = {name: resolved(alerting.environment[name], **given) for name in given}
    outside = {
        f"/run/secrets/{name}": resolved(secret["file"], **given)
        for name, secret in compose.raw["secrets"].items()
    }

    assert set(inside.values()) == set(outside)
    assert {name: outside[path] for name, path in inside.items()} == given


def test_no_secret_stands_in_the_environment(compose: Compose) -> None:
    secrets = {name for name, setting in variables().items() if setting.is_secret}
    for service in compose.services.values():
        assert not secrets & set(service.environment), service.name


def test_every_variable_is_a_setting_and_every_value_is_valid(
    compose: Compose,
) -> None:
    for service in compose.ours:
        environ = image_environment() | {
            name: resolved(value) for name, value in service.environment.items()
        }

        loaded = load(file=None, environ=environ)

        assert not loaded.warnings, service.name
        filled = [name for name in environ if environ[name]]
        ours = {name for name in filled if name.startswith("TOCSIN_")}
        assert ours <= set(variables())


def test_images_are_pinned(compose: Compose) -> None:
    for service in compose.services.values():
        name, _, tag = service.raw["image"].rpartition(":")
        assert name, service.name
        assert tag != "latest"


def test_every_container_is_hardened(compose: Compose) -> None:
    for service in compose.services.values():
        assert service.raw["cap_drop"] == ["ALL"], service.name
        assert service.raw["security_opt"] == ["no-new-privileges:true"]
        assert "privileged" not in service.raw
        assert "max-size" in service.raw["logging"]["options"]
    writable = {
        n for n, one in compose.services.items() if not one.raw.get("read_only")
    }
    assert writable == {"kafka", "kafka-ui"}


def test_prometheus_scrapes_every_component_where_it_listens(
    compose: Compose, prometheus: Any
) -> None:
    port = image_environment()["TOCSIN_HTTP"].rpartition(":")[2]
    targets = {
        target: job["job_name"]
        for job in prometheus["scrape_configs"]
        for static in job["static_configs"]
        for target in static["targets"]
    }

    components = [one.name for one in compose.components]
    assert targets == {f"{name}:{port}": f"tocsin-{name}" for name in components}
    assert not any("TOCSIN_HTTP" in one.environment for one in compose.ours)


def test_prometheus_finds_its_files_where_they_are_mounted(compose: Compose) -> None:
    service = compose.services["prometheus"]
    options = dict(argument.lstrip("-").split("=", 1) for argument in service.command)
    mounts = {mount.target: mount.source for mount in service.mounts}

    folder, _, name = options["config.file"].rpartition("/")
    assert (ROOT / mounts[folder] / name).is_file()
    assert options["storage.tsdb.path"] in mounts


def test_grafana_finds_its_files_where_they_are_mounted(compose: Compose) -> None:
    service = compose.services["grafana"]
    mounts = {mount.target: ROOT / mount.source for mount in service.mounts}
    provider = load_yaml(PROVISIONING / "dashboards" / "tocsin.yml")["providers"][0]
    home = service.environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    folder, _, name = home.rpartition("/")

    assert mounts["/etc/grafana/provisioning"].resolve() == PROVISIONING
    assert folder == provider["options"]["path"]
    assert (mounts[folder] / name).is_file()


def test_grafana_asks_the_prometheus_that_is_there(
    compose: Compose, prometheus: Any, datasource: Any
) -> None:
    asked = datasource["url"].removeprefix("http://")
    served = f"prometheus:{compose.services['prometheus'].ports[0].container}"

    assert asked == served
    assert datasource["uid"]
    interval = prometheus["global"]["scrape_interval"]
    assert datasource["jsonData"]["timeInterval"] == interval


def test_kafka_is_the_one_that_everything_is_tested_on(compose: Compose) -> None:
    assert compose.services["kafka"].raw["image"] == f"apache/kafka:{KAFKA}"


def test_clients_reach_kafka_at_a_listener_that_it_advertises(
    compose: Compose,
) -> None:
    kafka = compose.services["kafka"]
    listeners = _listeners(kafka, "KAFKA_LISTENERS")
    advertised = _listeners(kafka, "KAFKA_ADVERTISED_LISTENERS")
    protocols = dict(
        pair.split(":")
        for pair in kafka.environment["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(",")
    )

    assert set(protocols) == set(listeners)
    assert set(advertised) == set(listeners) - {"CONTROLLER"}
    for name, address in advertised.items():
        assert address.rpartition(":")[2] == listeners[name].rpartition(":")[2]
    for client in compose.components:
        assert client.environment["TOCSIN_BUS"] == f"kafka://{advertised['INTERNAL']}"
    ui = compose.services["kafka-ui"].environment
    assert ui["KAFKA_CLUSTERS_0_BOOTSTRAPSERVERS"] == advertised["INTERNAL"]
    voter = kafka.environment["KAFKA_CONTROLLER_QUORUM_VOTERS"]
    assert voter == "1@kafka" + listeners["CONTROLLER"]


def test_the_host_reaches_kafka_at_the_published_port(compose: Compose) -> None:
    kafka = compose.services["kafka"]
    (port,) = kafka.ports

    host = _listeners(kafka, "KAFKA_ADVERTISED_LISTENERS")["HOST"]
    assert host == f"localhost:{port.host}"
    assert _listeners(kafka, "KAFKA_LISTENERS")["HOST"] == f":{port.container}"
    assert f"/localhost/{port.container}" in kafka.raw["healthcheck"]["test"][-1]


def test_kafka_keeps_its_data_on_a_volume(compose: Compose) -> None:
    kafka = compose.services["kafka"]

    targets = [mount.target for mount in kafka.mounts]
    assert kafka.environment["KAFKA_LOG_DIRS"] in targets


def test_the_collector_reads_what_is_mounted_and_the_demo_writes(
    compose: Compose,
) -> None:
    collector = compose.services["collector"]
    paths = [word for word in collector.command if word.startswith("/")]
    mounts = {mount.target: mount for mount in collector.mounts}
    (demo,) = compose.services["demo"].mounts

    assert len(paths) == 2
    assert all(mounts[path].read_only for path in paths)
    assert demo.target in compose.services["demo"].command
    assert mounts[demo.target].source == demo.source
    assert not demo.read_only


def test_identities_outlive_a_container(compose: Compose) -> None:
    ids = [resolved(one.environment["TOCSIN_ID"]) for one in compose.components]

    assert sorted(ids) == ["alerting", "collector", "processor"]


def _listeners(kafka: Service, key: str) -> dict[str, str]:
    return dict(part.split("://") for part in kafka.environment[key].split(","))
