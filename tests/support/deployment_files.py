"""The parts that `examples/compose` and `examples/kubernetes` describe: what each would run, and with what."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from documentation import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

COMPOSE = ROOT / "examples" / "compose"
KUBERNETES = ROOT / "examples" / "kubernetes"
DOCKERFILE = ROOT / "Dockerfile"
SECRET = KUBERNETES / "secret.yaml.example"
COMPLETED, HEALTHY = "service_completed_successfully", "service_healthy"

_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?P<sign>:?[-?])?(?P<rest>[^}]*)\}")
_UNITS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True)
class Part:
    """A container: its image, its command, and all that it is given.

    - `command`: that of the file; after the entry point, if the file has one.
    - `files`: what is mounted, by its path in the container. `folders`: where it keeps data.
    - `needs`: what other parts must have done before it starts.
    - `health`: a command that succeeds once the part is ready. `probes`: paths that are asked over HTTP, with ports.
    - `grace`: seconds from SIGTERM until it is killed.
    """

    name: str
    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    files: Mapping[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    needs: Mapping[str, str] = field(default_factory=dict)
    health: tuple[str, ...] = ()
    probes: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    grace: int = 10
    entry_point: tuple[str, ...] = ()


def seconds(text: str) -> int:
    """Return a duration such as 60s or 1m30s, in seconds."""
    return sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([smh])", text))


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile, each with its arguments."""
    text = re.sub(r"\\\n\s*", "", DOCKERFILE.read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def image_environment() -> dict[str, str]:
    """Return the variables that the image sets, apart from PATH."""
    pairs = dict(instructions())["ENV"].split()
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs) if name != "PATH"}


def example_variables() -> dict[str, str]:
    """Return the variables of `.env.example` that are set."""
    lines = (COMPOSE / ".env.example").read_text(encoding="utf-8").splitlines()
    pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
    return {name: value for name, _, value in pairs}


def substituted(text: str, variables: Mapping[str, str]) -> str:
    """Put variables into a text, as compose does. Raises LookupError for one that must be set and is not."""

    def value(found: re.Match[str]) -> str:
        name, sign, rest = found["name"], found["sign"], found["rest"]
        given = variables.get(name)
        is_missing = given is None or (given == "" and (sign or "").startswith(":"))
        if is_missing and sign in {"?", ":?"}:
            raise LookupError(f"{name}: {rest}")
        return rest if is_missing and sign in {"-", ":-"} else given or ""

    return _VARIABLE.sub(value, text)


def compose_file() -> dict[str, Any]:
    """Return the compose file, with nothing put into it."""
    found: dict[str, Any] = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))
    return found


def compose_parts(variables: Mapping[str, str]) -> dict[str, Part]:
    """Return the parts of the compose file, with the variables put into it."""
    parts = {}
    for name, told in compose_file()["services"].items():
        mounts = [mount.split(":") for mount in told.get("volumes", ())]
        health = told.get("healthcheck", {}).get("test", ["CMD"])
        assert health[0] == "CMD", name
        parts[name] = Part(
            name,
            told["image"],
            tuple(told.get("command", ())),
            {key: substituted(value, variables) for key, value in told.get("environment", {}).items()},
            files={at[1]: (COMPOSE / at[0]).read_text(encoding="utf-8") for at in mounts if at[0].startswith("./")},
            folders=(
                *(at[1] for at in mounts if not at[0].startswith("./")),
                *(folder.partition(":")[0] for folder in told.get("tmpfs", ())),
            ),
            needs={other: how["condition"] for other, how in told.get("depends_on", {}).items()},
            health=tuple(health[1:]),
            grace=seconds(told.get("stop_grace_period", "10s")),
            entry_point=tuple(told.get("entrypoint", ())),
        )
    return parts


def manifests() -> list[dict[str, Any]]:
    """Return the manifests for Kubernetes, the example of the Secret included."""
    return [found for path in manifest_files() for found in yaml.safe_load_all(path.read_text(encoding="utf-8"))]


def manifest_files() -> list[Path]:
    """Return the files of the manifests."""
    return [*sorted(KUBERNETES.glob("*.yaml")), SECRET]


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    """Return the manifests of a kind by name."""
    return {found["metadata"]["name"]: found for found in manifests() if found["kind"] == kind}


def kubernetes_parts(secrets: Mapping[str, str]) -> dict[str, Part]:
    """Return the containers of the Deployments by the name of the Deployment, with the values of the Secret."""
    return {name: _pod_part(name, found["spec"]["template"]["spec"], secrets) for name, found in deployments()}


def deployments() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the Deployments with their names."""
    yield from of_kind("Deployment").items()


def _pod_part(name: str, pod: Mapping[str, Any], secrets: Mapping[str, str]) -> Part:
    (container,) = pod["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    files: dict[str, str] = {}
    folders = []
    for mount in container["volumeMounts"]:
        volume = volumes[mount["name"]]
        if "configMap" in volume:
            data = of_kind("ConfigMap")[volume["configMap"]["name"]]["data"]
            files |= {f"{mount['mountPath']}/{file}": text for file, text in data.items()}
        else:
            folders.append(mount["mountPath"])
    probes = {key: container[key]["httpGet"] for key in ("startupProbe", "livenessProbe", "readinessProbe")}
    return Part(
        name,
        container["image"],
        tuple(container["args"]),
        {item["name"]: _value(item, secrets) for item in container["env"]},
        files=files,
        folders=tuple(folders),
        probes={key: (probe["path"], ports[probe["port"]]) for key, probe in probes.items()},
        grace=pod["terminationGracePeriodSeconds"],
    )


def _value(item: Mapping[str, Any], secrets: Mapping[str, str]) -> str:
    if "value" in item:
        return str(item["value"])
    wanted = item["valueFrom"]["secretKeyRef"]
    assert wanted["key"] in of_kind("Secret")[wanted["name"]]["stringData"], wanted
    return secrets[wanted["key"]]
