"""Records out, in WIPO's formats and the platform's own: `write(record, "st96")` gives bytes and what they lose.

Pure functions of a Record: no engine, no database, no clock. Each format is a module with `write(record) -> bytes`;
`verify` reads back what was written and says what a reader does not find.
"""

from api.exchange.writers.result import Loss, UnwritableRecord, Written
from api.exchange.writers.table import FORMATS, media_type, write, write_many

__all__ = ["FORMATS", "Loss", "UnwritableRecord", "Written", "media_type", "write", "write_many"]
