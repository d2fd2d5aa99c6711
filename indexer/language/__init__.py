"""What language a text really is: declared tag, script and detector together; and what language a query is in."""

from indexer.language.detection import Identified, identify, normalise_tag, office_language, script_language
from indexer.language.query import detect_query_language

__all__ = ["Identified", "detect_query_language", "identify", "normalise_tag", "office_language", "script_language"]
