"""Classification symbols: one writing for each, the edition apart, and the levels above it.

IPC and CPC per ST.8 (fixed-width line and printed form), FI and F-terms per JPO, USPC, ECLA, Nice, Vienna and Locarno
per WIPO.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Symbol:
    symbol: str
    """Normalised: `H01M 10/0525`, `9`, `26.01.06`, `06-01`."""
    edition: str | None = None
    """`2006.01` for IPC and CPC, the number of the edition (`12`) elsewhere."""
    valid: bool = True
    """False where the symbol does not have the scheme's shape; it is then kept as written."""
    first: bool | None = None
    inventive: bool | None = None
    office: str | None = None
    """What the fixed-width line of ST.8 says besides the symbol."""


_SCHEMES = {
    "IPCR": "IPC",
    "IPC8": "IPC",
    "INT-CL": "IPC",
    "CPCI": "CPC",
    "CPCA": "CPC",
    "CPCNO": "CPC",
    "CPC-I": "CPC",
    "CPC-A": "CPC",
    "EC": "ECLA",
    "ICO": "ECLA-ICO",
    "FTERM": "FTERM",
    "F-TERM": "FTERM",
    "FT": "FTERM",
    "UC": "USPC",
    "USC": "USPC",
    "NCL": "NICE",
    "VCL": "VIENNA",
    "VIENNA": "VIENNA",
    "LCL": "LOCARNO",
    "LOC": "LOCARNO",
}


@lru_cache(maxsize=1024)
def scheme_name(raw: str) -> str:
    """`IPC`, `CPC` … for the names deliveries use (`ipcr`, `CPCI`, `F-term`)."""
    upper = raw.strip().upper().replace("_", "-").replace(" ", "-")
    return _SCHEMES.get(upper, upper)


_PATENT = re.compile(
    r"(?P<section>[A-HY])(?P<class>\d{2})(?P<subclass>[A-Z])(?:(?P<group>\d{1,4})(?:/(?P<sub>\d{1,6}))?)?(?P<rest>.*)"
)
_ST8 = re.compile(
    r"(?P<symbol>[A-HY]\d{2}[A-Z] {0,3}\d{1,4}/\d{2,6}) *"
    r"(?P<version>\d{8})(?P<level>[ACS ])(?P<position>[FL ])(?P<value>[IN ])"
    r"(?P<date>\d{8}| {8})?(?P<status>[BRVD ])?(?P<source>[HMG ])?(?P<office>[A-Z]{2})?.*"
)
_EDITION = re.compile(r"[\(\[]\s*(\d{4}\.\d{2}|\d{1,2})\s*[\)\]]")
_INT_CL = re.compile(r"^INT\.? ?CL\.?\s*(?P<edition>[1-8])?\s*:?\s*")
_OLD_IPC = re.compile(
    r"(?P<edition>[1-8])?(?P<section>[A-H])\s?(?P<class>\d{1,2})\s?(?P<subclass>[A-Z])\s*(?P<group>\d{1,4})\s*/\s*(?P<sub>\d{1,6})\s*(?P<kind>[A-Z]?)"
)
_COMPACT = re.compile(r"(?P<section>[A-HY])(?P<class>\d{2})(?P<subclass>[A-Z])(?P<group>\d{4})(?P<sub>\d{2,6}?)0*")
_COMPACT_SHORT = re.compile(r"(?P<section>[A-H])(?P<class>\d{2})(?P<subclass>[A-Z])(?P<group>\d{3})(?P<sub>\d{2,3})")


def _printed(section: str, cls: str, subclass: str, group: str | None = None, sub: str | None = None) -> str:
    head = f"{section}{int(cls):02d}{subclass}"
    if not group:
        return head
    if sub is None:
        return f"{head} {int(group)}"
    tail = sub if len(sub) <= 2 else sub[:2] + sub[2:].rstrip("0")
    return f"{head} {int(group)}/{tail.ljust(2, '0')}"


def _version(digits: str) -> str | None:
    return f"{digits[:4]}.{digits[4:6]}" if digits.strip() and digits != "00000000" else None


@lru_cache(maxsize=65536)
def _ipc(raw: str) -> Symbol:
    text = unicodedata.normalize("NFKC", raw).upper().strip()
    if line := _ST8.fullmatch(text):
        whole = _PATENT.fullmatch(line["symbol"].replace(" ", ""))
        if whole:
            return Symbol(
                _printed(whole["section"], whole["class"], whole["subclass"], whole["group"], whole["sub"]),
                _version(line["version"]),
                first={"F": True, "L": False}.get(line["position"]),
                inventive={"I": True, "N": False}.get(line["value"]),
                office=line["office"],
            )
    edition: str | None = None
    if prefix := _INT_CL.match(text):
        edition, text = prefix["edition"], text[prefix.end() :]
    if bracket := _EDITION.search(text):
        edition, text = bracket[1], (text[: bracket.start()] + text[bracket.end() :]).strip()
    # "H01M 10/0525 20100101AFI20051008BHEP" and "H01M0010052500" both say the same
    if tail := re.search(r"\s+(\d{8})(?:[ACS]?[FL]?[IN]?.*)?$", text):
        edition, text = edition or _version(tail[1]), text[: tail.start()]
    joined = re.sub(r"\s+", "", text)
    if old := _OLD_IPC.fullmatch(text):
        return Symbol(
            _printed(old["section"], old["class"], old["subclass"], old["group"], old["sub"]), edition or old["edition"]
        )
    if compact := _COMPACT.fullmatch(joined) or _COMPACT_SHORT.fullmatch(joined):
        return Symbol(_printed(*compact.group("section", "class", "subclass", "group", "sub")), edition)
    if match := _PATENT.fullmatch(joined):
        symbol = _printed(*match.group("section", "class", "subclass", "group", "sub"))
        return Symbol(symbol, edition, valid=not match["rest"] or (match["rest"].isalpha() and len(match["rest"]) <= 2))
    if short := re.fullmatch(r"([A-HY])(?:(\d{2})([A-Z])?)?", joined):
        return Symbol(joined, edition, valid=bool(short[2]))
    if old := re.match(r"[1-8]([A-H]\d{2}[A-Z].*)", joined):
        inner = _ipc(old[1])
        return Symbol(inner.symbol, edition or joined[0], inner.valid)
    return Symbol(_tidy(raw), edition, valid=False)


def _tidy(raw: str) -> str:
    return re.sub(r"\s+", " ", raw).strip()


_FI = re.compile(r"(?P<ipc>[A-H]\d{2}[A-Z]\s*\d{1,4}/\d{1,6})(?:[\s,@]*(?P<sub>\d{3}))?(?:[\s,@]*(?P<file>[A-Z]))?")


@lru_cache(maxsize=16384)
def _fi(raw: str) -> Symbol:
    """`G06F3/041,595` and `A63F7/02 320@A`: IPC, subdivision symbol, file discrimination symbol."""
    text = unicodedata.normalize("NFKC", raw).upper().strip()
    if match := _FI.fullmatch(text):
        parts = [_ipc(match["ipc"]).symbol] + [match[name] for name in ("sub", "file") if match[name]]
        return Symbol(" ".join(parts))
    base = _ipc(text)
    return Symbol(base.symbol, None, base.valid)


@lru_cache(maxsize=16384)
def _fterm(raw: str) -> Symbol:
    text = re.sub(r"[\s/]+", "", unicodedata.normalize("NFKC", raw).upper())
    if match := re.fullmatch(r"(\d[A-Z]\d{3})(?:([A-Z]{2})(\d{2})([A-Z0-9])?)?", text):
        tail = f" {match[2]}{match[3]}{match[4] or ''}" if match[2] else ""
        return Symbol(match[1] + tail)
    return Symbol(_tidy(raw), None, valid=False)


@lru_cache(maxsize=16384)
def _uspc(raw: str) -> Symbol:
    """`  2 21` and `002/021000` are 2/21; design classes keep their D."""
    text = raw.strip().upper()
    if match := re.fullmatch(r"(D ?\d{1,2}|PLT|\d{1,3})\s*/\s*([A-Z]?[0-9.]*[A-Z0-9.]*(?:-.*)?)", text):
        cls, sub = match[1].replace(" ", ""), match[2]
    elif (
        re.fullmatch(r"(?:D[ \d]{2}|[ \d]{3}|PLT)[ \dA-Z.]{1,9}", raw.upper())
        and len(raw) > 3
        and raw[:1] in " D0123456789"
    ):
        cls, sub = raw[:3].replace(" ", "").upper(), _uspc_subclass(raw[3:])
    else:
        return Symbol(_tidy(raw), None, valid=bool(re.fullmatch(r"D?\d{1,3}", text)))
    cls = re.sub(r"^(D?)0+(?=\d)", r"\1", cls)
    if re.fullmatch(r"\d{6}", sub):
        sub = _uspc_subclass(sub)
    sub = re.sub(r"^0+(?=\d)", "", sub)
    return Symbol(f"{cls}/{sub}" if sub else cls)


def _uspc_subclass(text: str) -> str:
    """Fixed width: three digits, then decimals or letters without a point (`331` `1` is 331.1)."""
    whole, rest = text[:3].strip(), text[3:].strip()
    if rest.strip("0") == "":
        return whole
    if rest.isdigit():
        return f"{whole}.{rest.rstrip('0')}"
    return whole + rest


@lru_cache(maxsize=4096)
def _nice(raw: str) -> Symbol:
    text = unicodedata.normalize("NFKC", raw).strip()
    edition: str | None = None
    if match := re.fullmatch(r"(?:NCL\s*)?\((\d{1,2})(?:-\d{4})?\)\s*(.+)", text, re.IGNORECASE):
        edition, text = match[1], match[2]
    if match := re.fullmatch(
        r"(?:IC|INT\.? ?CL\.?|NICE|CLASS|KLASSE|CLASSE|CLASE|NCL|第)?[\s.:]*0*(\d{1,3})\s*(?:類|类|류)?",
        text,
        re.IGNORECASE,
    ):
        number = int(match[1])
        return Symbol(str(number), edition, valid=1 <= number <= 45)
    return Symbol(_tidy(raw), edition, valid=False)


@lru_cache(maxsize=4096)
def _vienna(raw: str) -> Symbol:
    text = re.sub(r"\s+", "", unicodedata.normalize("NFKC", raw)).upper()
    edition: str | None = None
    if match := re.fullmatch(r"(?:CFE)?\((\d{1,2})\)(.+)", text):
        edition, text = match[1], match[2]
    text = text.removeprefix("A")
    if re.fullmatch(r"\d{2}|\d{4}|\d{6}", text):
        parts = [text[i : i + 2] for i in range(0, len(text), 2)]
    else:
        parts = re.split(r"[.\-/]", text.strip("."))
    if 1 <= len(parts) <= 3 and all(re.fullmatch(r"\d{1,2}", part) for part in parts):
        valid = 1 <= int(parts[0]) <= 29
        return Symbol(".".join(f"{int(part):02d}" for part in parts), edition, valid)
    return Symbol(_tidy(raw), edition, valid=False)


@lru_cache(maxsize=4096)
def _locarno(raw: str) -> Symbol:
    text = re.sub(r"\s+", "", unicodedata.normalize("NFKC", raw)).upper()
    edition: str | None = None
    if match := re.fullmatch(r"(?:LOC)?\(?(?:LOC)?\(?(\d{1,2})\)?(?:CL\.?|:)(.+)", text):
        edition, text = match[1], match[2]
    text = re.sub(r"^(?:LOC|CL\.?|CLASS)", "", text)
    if match := re.fullmatch(r"(\d{1,2})(?:[.\-/](\d{1,2}))?(?:[.\-/]?[A-Z]\d*)?", text) or re.fullmatch(
        r"(\d{2})(\d{2})", text
    ):
        cls = int(match[1])
        symbol = f"{cls:02d}-{int(match[2]):02d}" if match[2] else f"{cls:02d}"
        return Symbol(symbol, edition, valid=1 <= cls <= 32)
    return Symbol(_tidy(raw), edition, valid=False)


_NORMALISERS = {
    "IPC": _ipc,
    "CPC": _ipc,
    "ECLA": _ipc,
    "FI": _fi,
    "FTERM": _fterm,
    "USPC": _uspc,
    "NICE": _nice,
    "VIENNA": _vienna,
    "LOCARNO": _locarno,
}


LONGEST_SYMBOL = 200


def normalise(scheme: str, raw: str) -> Symbol:
    """Symbol of `raw` in `scheme` (a name of `scheme_name`). Unknown schemes keep the symbol, white space collapsed."""
    if len(raw) > LONGEST_SYMBOL:
        return Symbol(_tidy(raw[:LONGEST_SYMBOL]), valid=False)
    normaliser = _NORMALISERS.get(scheme)
    return normaliser(raw) if normaliser else Symbol(_tidy(raw))


@lru_cache(maxsize=4096)
def edition_of(raw: str | None) -> str | None:
    """`2006.01` for `20060101` or `2006-01-01`; the plain number for an edition number (`07` is 7)."""
    if raw is None or not raw.strip():
        return None
    text = raw.strip()
    if match := re.fullmatch(r"(\d{4})[-./]?(\d{2})(?:[-./]?\d{2})?(?:Z|[+-]\d{2}:\d{2})?", text):
        return f"{match[1]}.{match[2]}" if int(match[1]) else None
    if match := re.fullmatch(r"0*(\d{1,2})(?:-\d{4})?(?:\.0)?", text):
        return match[1] if int(match[1]) else None
    return text


@lru_cache(maxsize=65536)
def levels(scheme: str, symbol: str) -> tuple[str, ...]:
    """Every level of a normalised symbol, broadest first, itself last.

    `levels("IPC", "H01M 10/0525")` is `("H", "H01", "H01M", "H01M 10", "H01M 10/0525")`;
    Vienna `26.01.06` gives `("26", "26.01", "26.01.06")`; Locarno `06-01` gives `("06", "06-01")`; Nice only itself.
    """
    steps: list[str] = []
    if scheme in ("IPC", "CPC", "ECLA", "FI"):
        if match := re.match(r"([A-HY])(\d{2})?([A-Z])?(?: (\d+))?(?:/\d+)?", symbol):
            section, cls, subclass, group = match.groups()
            steps = [section]
            if cls:
                steps.append(section + cls)
            if cls and subclass:
                steps.append(section + cls + subclass)
            if cls and subclass and group:
                steps.append(f"{section}{cls}{subclass} {group}")
            if "/" in symbol:
                steps.append(match[0])
            if scheme == "FI" and " " in symbol[len(match[0]) :].strip():
                steps.append(match[0] + " " + symbol[len(match[0]) :].split()[0])
    elif scheme == "FTERM":
        theme, _, rest = symbol.partition(" ")
        steps = [theme] + ([f"{theme} {rest[:2]}"] if rest else [])
    elif scheme in ("USPC", "US-DESIGN"):
        steps = [symbol.partition("/")[0]]
    elif scheme == "VIENNA":
        parts = symbol.split(".")
        steps = [".".join(parts[: i + 1]) for i in range(len(parts))]
    elif scheme == "LOCARNO":
        steps = [symbol.partition("-")[0]]
    return tuple(dict.fromkeys((*steps, symbol)))
