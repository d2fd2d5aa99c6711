"""How each language's text becomes search terms: one table (languages.toml) and what is made from it."""

from analyzers.analysis import ALL, PREFIX, Degraded, degraded, settings
from analyzers.codes import OTHER, PCT_LANGUAGES, Language, language, languages
from analyzers.plugins import OWN_PLUGIN, Probe, capabilities, probes

__all__ = [
    "ALL",
    "OTHER",
    "OWN_PLUGIN",
    "PCT_LANGUAGES",
    "PREFIX",
    "Degraded",
    "Language",
    "Probe",
    "capabilities",
    "degraded",
    "language",
    "languages",
    "probes",
    "settings",
]
