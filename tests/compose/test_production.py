"""The production set-up without Docker: its schema, what it refers to, and that what it asks of the platform exists."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from prometheus_client import CollectorRegistry
from typer.main import get_command

from api.observe import Held, Metrics
from cli.main import application
from common.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = PROJECT / "compose/production"
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_SHOT = {"prepare", "concord"}


def test_it_follows_the_compose_specification() -> None:
    schema = json.loads((files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text("utf-8"))
    jsonschema.validators.validator_for(schema)(schema).validate(COMPOSE)


def test_the_schema_would_notice_a_mistake() -> None:
    schema = json.loads((files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text("utf-8"))
    wrong = {**COMPOSE, "services": {"api": {**SERVICES["api"], "comand": []}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validators.validator_for(schema)(schema).validate(wrong)


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_limits_a_healthcheck_and_a_pinned_image(name: str) -> None:
    service = SERVICES[name]
    limits = service["deploy"]["resources"]["limits"]
    assert re.fullmatch(r"\d+[mg]", limits["memory"])
    assert float(limits["cpus"]) > 0
    assert (name in ONE_SHOT) == service["healthcheck"].get("disable", False)
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+[\w.-]*", service["image"]), service["image"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")


def test_only_the_proxy_can_be_reached_from_outside() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    inner = {name for name, network in COMPOSE["networks"].items() if network.get("internal")}
    for name, service in SERVICES.items():
        # Workers go out, to send webhooks; nothing comes in to them.
        assert name in ("proxy", "worker") or set(service["networks"]) <= inner, name
    # Engines and those who come from outside share no network.
    assert "back" not in SERVICES["proxy"]["networks"]


def test_the_address_whose_headers_are_believed_is_the_proxy_s() -> None:
    believed = SERVICES["api"]["environment"]["CONCORD_TRUSTED_PROXIES"]
    assert SERVICES["proxy"]["networks"]["front"]["ipv4_address"] == believed


def test_every_setting_is_one() -> None:
    known = {f"CONCORD_{name.upper()}" for name in Settings.model_fields} | {"CONCORD_SECRETS_DIR"}
    for name in ("api", "prepare", "concord", "worker"):
        given = {key for key in SERVICES[name]["environment"] if key.startswith("CONCORD_")}
        assert given <= known
        values = {
            key.removeprefix("CONCORD_").lower(): value
            for key, value in SERVICES[name]["environment"].items()
            if key in given - {"CONCORD_SECRETS_DIR"}
        }
        assert Settings(**values).metrics_port == 9100
    # A file that is mounted and read by nobody would be a setting that is not set.
    secret_files = set(SERVICES["api"]["secrets"]) - {"ca.pem", "s3_credentials"}
    assert secret_files <= set(Settings.model_fields)


def test_every_command_is_one() -> None:
    commands = get_command(application()).commands  # type: ignore[attr-defined]
    for name in ("api", "prepare", "concord", "worker"):
        assert SERVICES[name]["command"][0] in commands


def test_every_file_that_is_referred_to_exists() -> None:
    named = [FOLDER / "entrypoint.sh", FOLDER / "opensearch/entrypoint.sh"]
    for service in SERVICES.values():
        if build := service.get("build"):
            root = (FOLDER / build["context"]).resolve()
            assert root == PROJECT
            named.append(root / build["dockerfile"])
            for line in (root / build["dockerfile"]).read_text("utf-8").replace("\\\n", " ").splitlines():
                if line.startswith("COPY") and "--from" not in line:
                    named += [root / one for one in line.split()[1:-1] if not one.startswith("--")]
        named += [
            FOLDER / volume.split(":")[0]
            for volume in service.get("volumes", ())
            if volume.startswith("./") and "${" not in volume
        ]
    assert len(named) > 15
    assert [str(path) for path in named if not path.exists()] == []


def test_secrets_come_from_files_that_prepare_makes_and_stand_nowhere_else(tmp_path: Path) -> None:
    script = tmp_path / "prepare.sh"
    script.write_bytes((FOLDER / "prepare.sh").read_bytes())
    subprocess.run(["sh", script, "trial.example"], check=True, capture_output=True)
    made = tmp_path / "secrets"
    for name, secret in COMPOSE["secrets"].items():
        assert set(secret) == {"file"}
        assert (tmp_path / secret["file"]).stat().st_size, name
    used = {
        one if isinstance(one, str) else one["source"]
        for service in SERVICES.values()
        for one in service.get("secrets", ())
    }
    assert used == set(COMPOSE["secrets"])
    assert made.stat().st_mode & 0o077 == 0
    before = {path.name: path.read_bytes() for path in made.iterdir()}
    subprocess.run(["sh", script, "trial.example"], check=True, capture_output=True)
    assert {path.name: path.read_bytes() for path in made.iterdir()} == before
    for name in ("opensearch-1", "opensearch-3", "postgres", "objects", "proxy"):
        subprocess.run(["openssl", "verify", "-CAfile", made / "ca.pem", made / f"{name}.pem"], check=True)
    text = (FOLDER / "compose.yaml").read_text("utf-8")
    for service in SERVICES.values():
        for key, value in (service.get("environment") or {}).items():
            if re.search(r"PASSWORD|SECRET_KEY|_URL$", key) and key not in ("AWS_ENDPOINT_URL", "CONCORD_ARCHIVE_URL"):
                assert str(value).startswith("/run/secrets/"), key
    assert "://concord:" not in text
    assert (FOLDER / ".gitignore").read_text().split() == ["secrets/"]


def test_the_nodes_trust_each_other_and_know_their_accounts(tmp_path: Path) -> None:
    config = yaml.safe_load((FOLDER / "opensearch/opensearch.yml").read_text("utf-8"))
    nodes = {service["environment"]["node.name"] for name, service in SERVICES.items() if name.startswith("opensearch")}
    assert set(config["discovery.seed_hosts"]) == set(config["cluster.initial_cluster_manager_nodes"]) == nodes
    users = yaml.safe_load((FOLDER / "opensearch/internal_users.yml").read_text("utf-8"))
    script = (FOLDER / "opensearch/entrypoint.sh").read_text("utf-8")
    for name, user in users.items():
        if name != "_meta":
            variable = re.fullmatch(r"\$\{envbc\.(\w+)\}", user["hash"])
            assert variable is not None
            assert f'{variable[1]}="$(cat /run/secrets/' in script
    roles = yaml.safe_load((FOLDER / "opensearch/roles.yml").read_text("utf-8"))
    assert roles["concord"]["index_permissions"][0]["index_patterns"] == [f"{Settings().index_prefix}-*"]


def test_the_nodes_take_as_long_queries_as_the_embedded_one() -> None:
    from api.search.engine import MOST_CLAUSES
    from compose.embedded.node import BASE_SETTINGS

    config = yaml.safe_load((FOLDER / "opensearch/opensearch.yml").read_text("utf-8"))
    name = "indices.query.bool.max_clause_count"
    assert config[name] == BASE_SETTINGS[name] == MOST_CLAUSES


def test_the_official_plugins_are_those_the_analyzers_need() -> None:
    from compose.embedded.check import OFFICIAL_ANALYSIS_PLUGINS

    installed = (FOLDER / "opensearch/Dockerfile").read_text("utf-8")
    assert all(plugin in installed for plugin in OFFICIAL_ANALYSIS_PLUGINS)


def exported() -> dict[str, set[str]]:
    """Metric name → labels, of everything that the API serves on its private port."""
    metrics = Metrics()
    found: dict[str, set[str]] = {}
    for metric in vars(metrics).values():
        if not isinstance(metric, CollectorRegistry):
            suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"], "gauge": [""]}
            for suffix in suffixes[metric._type]:
                found[metric._name + suffix] = {*metric._labelnames, *(["le"] if suffix == "_bucket" else [])}
    source = inspect.getsource(Held)
    for name, labels in re.findall(r'GaugeMetricFamily\(\s*"(\w+)",[^()]*?(?:labels=\(([^)]*)\)|value=)', source):
        found[name] = set(re.findall(r'"(\w+)"', labels))
    return found


def expressions() -> list[str]:
    board = json.loads((FOLDER / "grafana/dashboards/concord.json").read_text("utf-8"))
    rules = yaml.safe_load((FOLDER / "prometheus/alerts.yml").read_text("utf-8"))
    return [target["expr"] for panel in board["panels"] for target in panel["targets"]] + [
        rule["expr"] for group in rules["groups"] for rule in group["rules"]
    ]


def test_dashboards_and_alerts_ask_for_metrics_and_labels_that_there_are() -> None:
    known = exported()
    assert len(expressions()) > 20
    used = set()
    for expression in expressions():
        plain = re.sub(r'"[^"]*"', '""', expression)
        names = set(re.findall(r"\b(concord_\w+)", plain))
        assert names <= set(known), expression
        used |= names
        labels = set(re.findall(r"(\w+)\s*(?:=~|=|!=)\s*\"", plain))
        for group in re.findall(r"by \(([^)]*)\)", plain):
            labels |= {one.strip() for one in group.split(",")}
        allowed = {label for name in names for label in known[name]} | {"job"}
        assert labels <= allowed, expression
    # Every metric is looked at by somebody.
    assert {re.sub(r"_(bucket|sum|count)$", "", name) for name in known} == {
        re.sub(r"_(bucket|sum|count)$", "", name) for name in used
    }


def test_the_panels_do_not_overlap() -> None:
    board = json.loads((FOLDER / "grafana/dashboards/concord.json").read_text("utf-8"))
    places = [(p["gridPos"]["x"] // 8, p["gridPos"]["y"] // 7) for p in board["panels"]]
    assert len(set(places)) == len(places)
    assert len({p["id"] for p in board["panels"]}) == len(places)
