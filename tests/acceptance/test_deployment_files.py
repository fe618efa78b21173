"""The files of `examples/compose` and `examples/kubernetes`: they are valid and fit together. Nothing is started."""

from __future__ import annotations

import copy
import re
import tomllib
from typing import TYPE_CHECKING, Any

import kubernetes_validate
import pytest
import yaml

from command_line import CommandLine
from deployment_files import (
    COMPLETED,
    HEALTHY,
    compose_file,
    compose_parts,
    deployments,
    example_variables,
    instructions,
    kubernetes_parts,
    manifests,
    of_kind,
    substituted,
)
from documentation import ROOT, codes, sections
from exported_metrics import asked_labels, asked_metrics, exported_metrics
from kable_destination.runner.configuration.delivery_options import DeliveryOptions
from kable_destination.runner.configuration.service_options import ServiceOptions
from kable_destination.runner.service.publishing import _SECONDS_TO_FLUSH
from kable_destination.runner.sources.kafka.client import _SECONDS_TO_CLOSE
from kable_destination.runner.sources.kafka.reader import _SECONDS_TO_SETTLE
from kafka_jars import POM

if TYPE_CHECKING:
    from deployment_files import Part

PROMETHEUS = ROOT / "examples" / "prometheus"
VARIABLES = {**example_variables(), "POSTGRES_PASSWORD": "chosen"}
SECRETS = {"KABLE_API_KEY": "sk_test.of-nobody", "KABLE_CLIENT_ID": "kci_example", "PGPASSWORD": "chosen"}
VERSIONS = ("1.30", "1.33", kubernetes_validate.latest_version())
"""Versions of Kubernetes whose schemas the manifests keep to: the first with everything in them, and the newest."""

CONFIGURATION = "/etc/kable/kable.toml"
GRACE_OF = {
    "serve": ServiceOptions().request_seconds + 1 + _SECONDS_TO_FLUSH,
    "work": DeliveryOptions().grace + _SECONDS_TO_SETTLE + _SECONDS_TO_CLOSE,
    "sandbox": 0,
}
"""Seconds that the program may take to end in order."""


def compose() -> dict[str, Part]:
    return compose_parts(VARIABLES)


def pods() -> dict[str, Part]:
    return kubernetes_parts(SECRETS)


def programs() -> list[Part]:
    return [part for part in [*compose().values(), *pods().values()] if part.image.startswith("kable-destination:")]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_manifests_are_valid_for_kubernetes(version: str) -> None:
    kinds = [manifest["kind"] for manifest in manifests()]
    assert {"ConfigMap", "Secret", "Deployment", "Service", "HorizontalPodAutoscaler"} <= {*kinds}
    for manifest in manifests():
        kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "replica"), 2),
        (("spec", "template", "spec", "containers", 0, "readinessProbe", "httpGet", "prot"), "admin"),
        (("spec", "template", "spec", "terminationGracePeriodSeconds"), "60s"),
    ],
)
def test_a_wrong_manifest_is_not_valid(path: tuple[str | int, ...], value: object) -> None:
    manifest: Any = copy.deepcopy(of_kind("Deployment")["kable-worker"])
    at = manifest
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, VERSIONS[0], strict=True)


def test_whatever_selects_pods_selects_those_of_one_deployment() -> None:
    labels = {name: found["spec"]["template"]["metadata"]["labels"] for name, found in deployments()}
    for name, found in deployments():
        assert found["spec"]["selector"]["matchLabels"] == labels[name]
        (spread,) = found["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert spread["labelSelector"]["matchLabels"] == labels[name]
    assert labels["kable-service"] != labels["kable-worker"]
    for name, service in of_kind("Service").items():
        assert service["spec"]["selector"] == labels[name]
    for kind, key in (("PodDisruptionBudget", "selector"), ("NetworkPolicy", "podSelector")):
        assert {name: found["spec"][key]["matchLabels"] for name, found in of_kind(kind).items()} == labels
    targets = {name: found["spec"]["scaleTargetRef"] for name, found in of_kind("HorizontalPodAutoscaler").items()}
    assert targets == {name: {"apiVersion": "apps/v1", "kind": "Deployment", "name": name} for name in labels}


def test_every_port_that_is_named_is_one_of_the_container_and_of_the_configuration() -> None:
    service = tomllib.loads(pods()["kable-service"].files[CONFIGURATION])["service"]
    for name, found in deployments():
        (container,) = found["spec"]["template"]["spec"]["containers"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        policy = of_kind("NetworkPolicy")[name]["spec"]
        assert {port["port"] for rule in policy["ingress"] for port in rule["ports"]} == ports.keys()
        assert ports["admin"] == service["adminPort"]
        told = found["spec"]["template"]["metadata"]["annotations"]
        assert told["prometheus.io/port"] == str(ports["admin"])
    (published,) = of_kind("Service")["kable-service"]["spec"]["ports"]
    assert published["targetPort"] == "http"
    assert service["port"] == 8080
    assert pods()["kable-worker"].command[-3:] == ("9100", "--log", "json")


def test_pods_may_do_nothing_that_they_do_not_need() -> None:
    user = dict(instructions())["USER"].partition(":")[0]
    accounts = of_kind("ServiceAccount")
    for name, found in deployments():
        pod = found["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert pod["automountServiceAccountToken"] is False
        assert accounts[pod["serviceAccountName"]]["automountServiceAccountToken"] is False
        # Kubernetes would name services of the namespace in variables that look like settings.
        assert pod["enableServiceLinks"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert str(pod["securityContext"]["runAsUser"]) == user
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"requests", "limits"} == container["resources"].keys()
        assert pods()[name].folders == ("/data",)
    for name in ("service", "worker-1", "worker-2", "sandbox"):
        told = compose_file()["services"][name]
        assert (told["read_only"], told["cap_drop"], told["init"]) == (True, ["ALL"], True)
        assert told["security_opt"] == ["no-new-privileges:true"]


def test_every_part_has_longer_to_end_than_the_program_takes() -> None:
    for part in programs():
        waits = 0.0
        if part.name in of_kind("Deployment"):
            (container,) = of_kind("Deployment")[part.name]["spec"]["template"]["spec"]["containers"]
            waits = float(
                container.get("lifecycle", {}).get("preStop", {"exec": {"command": ["0"]}})["exec"]["command"][-1]
            )
        assert part.grace > GRACE_OF[part.command[0]] + waits, part.name


def test_images_are_pinned_and_those_that_the_tests_run() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert {part.image for part in programs()} == {f"kable-destination:{version}"}
    kafka = re.search(r"<kafka.version>(.+)</kafka.version>", POM.read_text(encoding="utf-8"))
    assert kafka is not None
    assert compose()["kafka"].image == compose()["topic"].image == f"apache/kafka:{kafka[1]}"
    (tested,) = re.findall(
        r"tested with PostgreSQL (\d+)\.", (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    )
    assert re.fullmatch(rf"postgres:{tested}\.\d+", compose()["postgres"].image)


def test_the_image_has_the_extras_that_the_parts_need() -> None:
    told = next(rest for name, rest in instructions() if name == "ARG")
    extras = {*told.removeprefix("EXTRAS=").split(",")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert extras <= project["optional-dependencies"].keys()
    used = " ".join(text for part in programs() for text in [*part.command, *part.environment.values()])
    needed = {extra for scheme, extra in (("kafka://", "kafka"), ("postgresql://", "postgres")) if scheme in used}
    assert needed | {"metrics", "fast"} == {"kafka", "postgres", "metrics", "fast"} == extras


def test_a_secret_is_neither_in_the_compose_file_nor_in_a_manifest() -> None:
    told = compose_file()["services"]
    secret = re.compile(r"(PASSWORD|API_KEY|CLIENT_ID)$")
    given = {
        (name, key): value
        for name, service in told.items()
        for key, value in service.get("environment", {}).items()
        if secret.search(key)
    }
    assert len(given) == 9
    assert all(re.fullmatch(r"\$\{\w+:\?set it in .env\}", value) for value in given.values()), given
    for _, found in deployments():
        (container,) = found["spec"]["template"]["spec"]["containers"]
        assert all("valueFrom" in item for item in container["env"] if secret.search(item["name"]))
    assert all(
        ":" not in part.environment.get("KABLE_OUTBOX", "").partition("://")[2].partition("@")[0] for part in programs()
    )


def test_without_a_password_compose_says_what_to_set() -> None:
    with pytest.raises(LookupError, match=r"POSTGRES_PASSWORD: set it in \.env"):
        compose_parts(example_variables())
    assert substituted("${A-b} ${C:-d} ${E-} ${F}", {"A": "", "C": "", "F": "g"}) == " d  g"


def test_parts_wait_for_what_they_need_and_come_back_after_a_crash() -> None:
    parts, told = compose(), compose_file()["services"]
    for name, part in parts.items():
        is_once = COMPLETED in {other.needs.get(name) for other in parts.values()}
        assert told[name]["restart"] == ("no" if is_once else "unless-stopped")
        assert bool(part.health) != is_once, name
        for other, condition in part.needs.items():
            assert condition in {HEALTHY, COMPLETED}
            assert other in parts
    assert parts["worker-1"].needs == {"sandbox": HEALTHY, "postgres": HEALTHY, "topic": COMPLETED}


def test_the_configurations_have_no_problem(command_line: CommandLine) -> None:
    for part in (compose()["worker-1"], pods()["kable-worker"]):
        (command_line.folder / "kable.toml").write_text(part.files[CONFIGURATION], encoding="utf-8")
        environment = dict(part.environment)
        del environment["KABLE_OUTBOX"]
        run = CommandLine(command_line.folder, {**command_line.environment, **environment}, command_line.server)(
            "check", "--config", "kable.toml"
        )
        assert (run.code, run.err) == (0, "")


def test_workers_are_scaled_by_metrics_that_there_are_and_to_the_partitions_of_the_topic() -> None:
    rules = yaml.safe_load((PROMETHEUS / "adapter.yml").read_text(encoding="utf-8"))["externalRules"]
    exported = exported_metrics()
    for rule in rules:
        (name,) = asked_metrics(rule["seriesQuery"])
        assert asked_labels(rule["metricsQuery"]) <= exported[name]
    scaled = of_kind("HorizontalPodAutoscaler")["kable-worker"]["spec"]
    assert [found["external"]["metric"]["name"] for found in scaled["metrics"]] == [
        rule["name"]["as"] for rule in rules
    ]
    topic = compose()["topic"].command
    assert str(scaled["maxReplicas"]) == topic[topic.index("--partitions") + 1]
    for name, found in deployments():
        assert "replicas" not in found["spec"], f"kubectl apply would undo what the autoscaler of {name} has decided"


def test_prometheus_gives_pods_the_labels_that_the_adapter_needs() -> None:
    (job,) = yaml.safe_load((PROMETHEUS / "scrape.yml").read_text(encoding="utf-8"))["scrape_configs"]
    made = {rule.get("target_label") for rule in job["relabel_configs"]}
    rules = yaml.safe_load((PROMETHEUS / "adapter.yml").read_text(encoding="utf-8"))["externalRules"]
    assert {label for rule in rules for label in rule["resources"]["overrides"]} <= made
    meta = {label for rule in job["relabel_configs"] for label in rule.get("source_labels", ())}
    annotations = {f"__meta_kubernetes_pod_annotation_{re.sub(r'[^a-z]', '_', key)}" for key in _annotations()}
    assert annotations == {label for label in meta if "annotation" in label}


def _annotations() -> set[str]:
    return {key for _, found in deployments() for key in found["spec"]["template"]["metadata"]["annotations"]}


def test_the_page_describes_each_part_and_each_manifest() -> None:
    found = {section.heading: section for section in sections(ROOT / "docs" / "deployment.md")}
    described = [name for row in found["With Docker Compose"].rows for name in codes(row[0])]
    assert described == [*compose()]
    files = [name for row in found["In Kubernetes"].rows for name in codes(row[0])]
    assert sorted(files) == sorted(path.name for path in (ROOT / "examples" / "kubernetes").iterdir())
