"""The table of quality rules (`rules.toml`), read once and checked."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from common.errors import ConfigurationError
from common.messages import Template
from indexer.record import Right, Severity

TABLE = Path(__file__).with_name("rules.toml")


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    severity: Severity
    message: str
    """Format string: `{value}` and the details that the check gives."""
    explanation: str
    fix: str
    rights: frozenset[Right]
    """Rights it applies to; empty for all."""
    offices: frozenset[str]
    """ST.3 codes it applies to; empty for all."""
    field: str
    """Field that is doubted, where the check does not say it more exactly."""
    words: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Details that are codes → section of the pages' vocabulary that has their words."""

    def applies_to(self, right: Right, office: str) -> bool:
        return (not self.rights or right in self.rights) and (not self.offices or office in self.offices)


def read_rules(path: Path = TABLE) -> dict[str, Rule]:
    """Rules by name, in the order of the file. Raises ConfigurationError where an entry is incomplete or wrong."""
    rules: dict[str, Rule] = {}
    for name, entry in tomllib.loads(path.read_text(encoding="utf-8")).items():
        try:
            rules[name] = Rule(
                name=name,
                severity=Severity(entry["severity"]),
                message=entry["message"],
                explanation=entry["explanation"],
                fix=entry["fix"],
                rights=frozenset(Right(right) for right in entry.get("rights", ())),
                offices=frozenset(entry.get("offices", ())),
                field=entry.get("field", ""),
                words=entry.get("words", {}),
            )
        except (KeyError, ValueError, TypeError) as error:
            raise ConfigurationError(
                f"{path.name}, rule {name}: {error!r}.",
                remedy="Each rule needs severity (info, warning, error), message, explanation and fix.",
            ) from error
    return rules


@lru_cache(maxsize=256)
def rule_template(name: str) -> Template | None:
    """What a rule says, as a text with parameters; None where there is no such rule."""
    found = rules().get(name)
    return None if found is None else Template(f"finding.{name}", found.message, found.words)


@lru_cache(maxsize=1)
def rules() -> dict[str, Rule]:
    return read_rules()


def rule(name: str) -> Rule:
    """Rule by name. Raises ConfigurationError where the table lacks it."""
    found = rules().get(name)
    if found is None:
        raise ConfigurationError(f"{TABLE.name} has no rule {name!r}.", remedy="Add it to the table.")
    return found
