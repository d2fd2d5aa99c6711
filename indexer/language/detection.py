"""The language of a delivered text.

Script decides first: kana is Japanese, Hangul Korean, and so on. Within a script the declared tag stands unless the
words contradict it;
langdetect is asked only where tag and words leave a doubt, since it takes milliseconds where a look at the words takes
microseconds. Its profiles are cut to the languages served here and its random generator is seeded: the same text
always gets the same answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from langdetect import detector_factory
from langdetect.lang_detect_exception import LangDetectException

from indexer.harmonise.scripts import script_counts
from indexer.harmonise.tables_reader import rows

FOLDER = Path(__file__).parent
UNKNOWN = "xx"

SAMPLE = 1200
"""Characters looked at: enough for certainty, little enough for speed."""

ENOUGH = 24
"""Letters below which langdetect guesses rather than detects."""


@dataclass(frozen=True, slots=True)
class Identified:
    language: str
    """ISO 639-1, or `xx`."""
    mismatch: bool = False
    """True where the declared tag names another language."""
    unknown_tag: bool = False
    """True where the declared tag is no language tag at all."""


@lru_cache(maxsize=1)
def _tags() -> dict[str, str]:
    return {row["tag"]: row["language"] for row in rows("tags", FOLDER)}


_ISO = frozenset(
    [
        "aa",
        "ab",
        "af",
        "ak",
        "am",
        "an",
        "ar",
        "as",
        "av",
        "ay",
        "az",
        "ba",
        "be",
        "bg",
        "bh",
        "bi",
        "bm",
        "bn",
        "bo",
        "br",
        "bs",
        "ca",
        "ce",
        "ch",
        "co",
        "cr",
        "cs",
        "cu",
        "cv",
        "cy",
        "da",
        "de",
        "dv",
        "dz",
        "ee",
        "el",
        "en",
        "eo",
        "es",
        "et",
        "eu",
        "fa",
        "ff",
        "fi",
        "fj",
        "fo",
        "fr",
        "fy",
        "ga",
        "gd",
        "gl",
        "gn",
        "gu",
        "gv",
        "ha",
        "he",
        "hi",
        "ho",
        "hr",
        "ht",
        "hu",
        "hy",
        "hz",
        "ia",
        "id",
        "ie",
        "ig",
        "ii",
        "ik",
        "io",
        "is",
        "it",
        "iu",
        "ja",
        "jv",
        "ka",
        "kg",
        "ki",
        "kj",
        "kk",
        "kl",
        "km",
        "kn",
        "ko",
        "kr",
        "ks",
        "ku",
        "kv",
        "kw",
        "ky",
        "la",
        "lb",
        "lg",
        "li",
        "ln",
        "lo",
        "lt",
        "lu",
        "lv",
        "mg",
        "mh",
        "mi",
        "mk",
        "ml",
        "mn",
        "mr",
        "ms",
        "mt",
        "my",
        "na",
        "nb",
        "nd",
        "ne",
        "ng",
        "nl",
        "nn",
        "no",
        "nr",
        "nv",
        "ny",
        "oc",
        "oj",
        "om",
        "or",
        "os",
        "pa",
        "pi",
        "pl",
        "ps",
        "pt",
        "qu",
        "rm",
        "rn",
        "ro",
        "ru",
        "rw",
        "sa",
        "sc",
        "sd",
        "se",
        "sg",
        "si",
        "sk",
        "sl",
        "sm",
        "sn",
        "so",
        "sq",
        "sr",
        "ss",
        "st",
        "su",
        "sv",
        "sw",
        "ta",
        "te",
        "tg",
        "th",
        "ti",
        "tk",
        "tl",
        "tn",
        "to",
        "tr",
        "ts",
        "tt",
        "tw",
        "ty",
        "ug",
        "uk",
        "ur",
        "uz",
        "ve",
        "vi",
        "vo",
        "wa",
        "wo",
        "xh",
        "yi",
        "yo",
        "za",
        "zh",
        "zu",
    ]
)


@lru_cache(maxsize=1024)
def normalise_tag(tag: str | None) -> str | None:
    """ISO 639-1 for a tag of any kind (`EN`, `ger`, `zh-Hans`, `jp`). None where the tag says nothing: empty,
    unknown, `ol`, `XX`.
    """
    if not tag:
        return None
    primary = re.split(r"[-_]", tag.strip().casefold())[0] or tag.strip().casefold()
    known = _tags().get(primary)
    if known is not None:
        return known or None
    return primary if primary in _ISO else None


@lru_cache(maxsize=1024)
def says_nothing(tag: str) -> bool:
    """Whether a tag is known to mean `no language stated` rather than being no tag at all."""
    return _tags().get(re.split(r"[-_]", tag.strip().casefold())[0], "?") == "" or not tag.strip()


SCRIPT_LANGUAGES: dict[str, tuple[str, ...]] = {
    "Hang": ("ko",),
    "Grek": ("el",),
    "Hebr": ("he", "yi"),
    "Thai": ("th",),
    "Armn": ("hy",),
    "Geor": ("ka",),
    "Beng": ("bn", "as"),
    "Guru": ("pa",),
    "Gujr": ("gu",),
    "Orya": ("or",),
    "Taml": ("ta",),
    "Telu": ("te",),
    "Knda": ("kn",),
    "Mlym": ("ml",),
    "Sinh": ("si",),
    "Laoo": ("lo",),
    "Mymr": ("my",),
    "Khmr": ("km",),
    "Ethi": ("am", "ti"),
    "Tibt": ("bo", "dz"),
    "Mong": ("mn",),
    "Deva": ("hi", "mr", "ne", "sa"),
    "Arab": ("ar", "fa", "ur", "ps", "ug", "ku", "sd"),
    "Cyrl": ("ru", "uk", "bg", "be", "sr", "mk", "kk", "ky", "mn", "tg", "uz", "az", "tt", "sh", "mo", "ro", "bs"),
}
_NOT_LATIN = frozenset(
    [
        "ja",
        "zh",
        "ko",
        "ar",
        "fa",
        "ur",
        "he",
        "yi",
        "el",
        "th",
        "hy",
        "ka",
        "hi",
        "mr",
        "ne",
        "bn",
        "ta",
        "te",
        "kn",
        "ml",
        "gu",
        "pa",
        "ru",
        "uk",
        "bg",
        "be",
        "mk",
        "kk",
        "ky",
        "mn",
        "am",
        "km",
        "lo",
        "my",
        "si",
    ]
)
_LETTERS: tuple[tuple[str, frozenset[str], int], ...] = (
    ("uk", frozenset("іїєґ"), 1),
    ("be", frozenset("ў"), 1),
    ("mk", frozenset("ѓќѕ"), 1),
    ("sr", frozenset("ђћџљњј"), 1),
    ("kk", frozenset("әғқңұүһ"), 2),
    ("ru", frozenset("ыэё"), 1),
)
"""Letters that only one of the Cyrillic languages has, the first match decides."""
_JAPANESE_HAN = frozenset(
    "働込畑峠辻枠匂腺喩気対応単図効装釈駅実様検圧変関処読発声竜価広鉄戸帯総弐拡県歯沢浜渋溶満焼独獣産画"
)
_SIMPLIFIED = frozenset(
    "装置统设备电发动组处产业车门问间开关时网药进远运过还这么个们从众会传压区华单卖卫厂厅历双变号听启员响围图场块坚处备复够头夹夺奋妇孙宁实审宽对导将层岁岛币师带帮广库应庆归当录忆态总恶惊惯戏户执扩扬抢护报拟择损换据数断无旧显晓术机杀杂权条来极构枪标样桥检楼欢气汇汉汤没沟泽洁浅测济浓涂润温湿满灭灯灵炉点炼热爱状独环现电疗盐监盖盘码础确离种积称稳窝竞笔筑签简类粮紧红纤约级纪纯纱纲纳纵纷纸纹线练组细织终经绑结绕绘给络绝统继绩续维综绿缓编缘缝缩网罗职联聪肃胀胜脏脑脚脱腾舰艺节芦苏苹范荐药获营虑虽虾蚀补装见观规视览觉触计订认讨让训议记许论设访证评识诉诊词试诗话询该详语误说请读调谈谱责贝负财质贴贵贸费资赖赛趋跃转轮软轴轻载较辅输边达迁过运近还这进远连迟适选递逻遥邮释里鉴针钉钛钟钢钠钥钩钮钻铁铃铅铜铝银铺链销锁锅锋错锡键锯镀镁镇镜长门闪闭问间闸闻阀阅队阳阴阵阶际陆险随难雾静韧页顶项顺须顾预领频题额风飞饭饮饰饱馆马驱驶驾验骤鱼鲜鸟黄齐龙"
)
_TRADITIONAL = frozenset(
    "裝統設備電發動組處產業車門問間開關時網藥進遠運過還這個們從會傳壓區華單號聽啟員響圍圖場塊堅複頭實審寬對導將層廣應當總據數斷無舊顯術機權條極構標樣橋檢氣測濟濃潤溫濕滿滅燈靈爐點煉熱狀獨環現監蓋盤確離種積稱穩筆築簽簡類緊紅纖約級純納紙線練細織終經結繞給絕繼續維綠緩編緣縫縮聯腦補見觀規視覺觸計認訊設證評識試話該詳語說讀調質資趨轉輪軟軸輕載較輔輸邊達適選遞釋針鈦鐘鋼鈉鉤鑽鐵鉛銅鋁銀鏈銷鎖錫鍵鍍鎂鏡長閉閥隊陽陰陣階際險隨難霧靜韌頁頂項順預領頻題額風飛"
)


def identify(text: str, declared: str | None, fallback: str | None = None) -> Identified:
    """Language of `text`. `declared` is the tag as delivered, `fallback` the record's language (any tag), used where
    nothing else speaks.

    Text without letters keeps the declared language; a text that gives no evidence against its tag keeps it too.
    """
    return _identify(text if len(text) <= SAMPLE else text[:SAMPLE], declared, fallback)


@lru_cache(maxsize=8192)
def _identify(text: str, declared: str | None, fallback: str | None) -> Identified:
    tag = normalise_tag(declared)
    bad = bool(declared and tag is None and not says_nothing(declared))
    language = _really(text, tag, normalise_tag(fallback))
    return Identified(language, mismatch=tag is not None and not _same(language, tag), unknown_tag=bad)


_KIN = ({"no", "nb", "nn"}, {"sr", "hr", "bs", "sh"}, {"id", "ms"}, {"ro", "mo"})


def _same(language: str, tag: str) -> bool:
    return language in (tag, UNKNOWN) or any(language in kin and tag in kin for kin in _KIN)


def _really(text: str, tag: str | None, fallback: str | None) -> str:
    sample = text
    counts = script_counts(sample)
    if not counts:
        return tag or fallback or UNKNOWN
    total = counts.total()
    script, _share = counts.most_common(1)[0]
    kana = counts["Hira"] + counts["Kana"]
    han = counts["Hani"]
    if kana + han > 0 and kana + han >= counts["Hang"] and (kana + han) * 2 >= total * 0.5:
        return _han(sample, kana, han, tag, fallback)
    if counts["Hang"] * 3 >= total:
        return "ko"
    if script == "Cyrl":
        return _cyrillic(sample, tag, fallback)
    if script == "Arab":
        return _arabic(sample, tag)
    if script == "Latn":
        return _latin(sample, total, tag, fallback)
    languages = SCRIPT_LANGUAGES.get(script, ())
    if tag in languages:
        return tag
    return languages[0] if languages else (tag or fallback or UNKNOWN)


def _han(sample: str, kana: int, han: int, tag: str | None, fallback: str | None) -> str:
    if (kana >= 2 and kana * 12 >= han) or (kana and not han):
        return "ja"
    if tag in ("zh", "ja"):
        if (
            tag == "ja"
            and kana == 0
            and (sum(c in _SIMPLIFIED and c not in _JAPANESE_HAN for c in sample) >= 2 or han > 60)
        ):
            return "zh"
        return tag
    if tag == "ko" and han < 20:
        return "ko"
    if kana or (
        any(c in _JAPANESE_HAN and c not in _SIMPLIFIED for c in sample) and not any(c in _TRADITIONAL for c in sample)
    ):
        return "ja"
    if fallback in ("zh", "ja"):
        return fallback
    return "zh"


def _cyrillic(sample: str, tag: str | None, fallback: str | None) -> str:
    lower = sample.casefold()
    counts = Counter(lower)
    for language, letters, least in _LETTERS:
        if sum(counts[letter] for letter in letters) >= least:
            if language == "ru" and tag in ("be", "kk", "ky", "mn", "tt", "tg", "uz"):
                return tag
            if (language == "sr" and tag == "mk") or (language == "kk" and tag in ("ky", "mn", "tt")):
                return tag
            return language
    if tag in SCRIPT_LANGUAGES["Cyrl"]:
        return tag
    if tag is None and fallback in SCRIPT_LANGUAGES["Cyrl"]:
        return fallback
    if counts["ъ"] * 40 > len(lower):
        return "bg"
    return "ru"


def _arabic(sample: str, tag: str | None) -> str:
    if any(c in "ٹڈڑںےھ" for c in sample):
        return tag if tag in ("ur", "sd", "ps") else "ur"
    if sum(c in "پچژگکی" for c in sample) >= 2:
        return tag if tag in SCRIPT_LANGUAGES["Arab"] and tag != "ar" else "fa"
    return tag if tag in SCRIPT_LANGUAGES["Arab"] else "ar"


# ── Latin script ─────────────────────────────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=1)
def word_weights() -> dict[str, tuple[tuple[str, float], ...]]:
    """Word → languages it speaks for. A word of n languages counts 1/n for each."""
    owners: dict[str, list[str]] = {}
    for row in rows("words", FOLDER):
        for word in dict.fromkeys(row["words"].split()):
            owners.setdefault(unicodedata.normalize("NFC", word), []).append(row["language"])
    return {word: tuple((language, 1 / len(languages)) for language in languages) for word, languages in owners.items()}


@lru_cache(maxsize=1)
def languages_with_words() -> frozenset[str]:
    return frozenset(language for pairs in word_weights().values() for language, _ in pairs)


_WORD = re.compile(r"[^\W\d_]+")


def word_scores(text: str) -> dict[str, float]:
    """Evidence per language from the words of `text`."""
    weights = word_weights()
    scores: dict[str, float] = {}
    for word in _WORD.findall(text.lower()):
        for language, weight in weights.get(word, ()):
            scores[language] = scores.get(language, 0.0) + weight
    return scores


def _latin(sample: str, letters: int, tag: str | None, fallback: str | None) -> str:
    tag_here = None if tag in _NOT_LATIN else tag
    scores = word_scores(sample)
    best, score = max(scores.items(), key=lambda pair: (pair[1], pair[0]), default=(None, 0.0))
    own = scores.get(tag_here or "", 0.0)
    if tag_here is not None:
        if best is None or own >= score * 0.6 or (own >= 1.5 and own >= score * 0.25) or score < 1.5:
            return tag_here
        if tag_here not in languages_with_words() and score < 6:
            return tag_here
        if letters < ENOUGH:
            return tag_here
        return _asked(sample, best, tag_here)
    own_fallback = scores.get(fallback or "", 0.0)
    runner_up = max((value for language, value in scores.items() if language != best), default=0.0)
    if best is not None and score >= 1.5 and score >= 1.5 * runner_up and score >= 1.5 * own_fallback:
        return best
    if (
        fallback
        and fallback not in _NOT_LATIN
        and (letters < 4 * ENOUGH or own_fallback > 0)
        and own_fallback + 1.5 > score
    ):
        return fallback
    if letters >= ENOUGH:
        detected = _langdetect(sample[:300])
        if detected:
            return detected
    if tag is None and fallback and fallback not in _NOT_LATIN:
        return fallback
    if best is not None and score > runner_up and score >= 0.5:
        return best
    return UNKNOWN


def _asked(sample: str, best: str, tag: str) -> str:
    """The declared language unless words and langdetect agree on another."""
    detected = _langdetect(sample[:300])
    return best if detected == best else tag


SERVED = [
    "ar",
    "bg",
    "bn",
    "ca",
    "cs",
    "da",
    "de",
    "el",
    "en",
    "es",
    "et",
    "fa",
    "fi",
    "fr",
    "he",
    "hi",
    "hr",
    "hu",
    "id",
    "it",
    "ja",
    "ko",
    "lt",
    "lv",
    "mk",
    "nl",
    "no",
    "pl",
    "pt",
    "ro",
    "ru",
    "sk",
    "sl",
    "sq",
    "sv",
    "ta",
    "te",
    "th",
    "tl",
    "tr",
    "uk",
    "ur",
    "vi",
    "zh-cn",
    "zh-tw",
]
"""langdetect profiles that are loaded: those of languages that IP offices publish in."""


@lru_cache(maxsize=1)
def detector() -> detector_factory.DetectorFactory:
    """langdetect's factory with the profiles of SERVED only, seeded."""
    factory = detector_factory.DetectorFactory()  # type: ignore[no-untyped-call]
    folder = Path(detector_factory.PROFILES_DIRECTORY)
    factory.load_json_profile([(folder / name).read_text(encoding="utf-8") for name in SERVED])  # type: ignore[no-untyped-call]
    factory.set_seed(0)  # type: ignore[no-untyped-call]
    return factory


@lru_cache(maxsize=16384)
def _langdetect(sample: str) -> str | None:
    created = detector().create()  # type: ignore[no-untyped-call]
    created.n_trial = 2  # of 7: the words agreed or disagreed already, this is the second opinion
    created.append(sample)
    try:
        found: str = created.detect()
    except LangDetectException:
        return None
    return None if found == "unknown" else found.split("-")[0]


def script_language(text: str, usual: str | None = None) -> str | None:
    """Language that the script alone settles (kana, Hangul, Greek, Thai …); None for scripts of many languages.

    Han without kana is the `usual` language of the office where that is Chinese or Japanese, else Chinese.
    """
    counts = script_counts(text[:SAMPLE])
    if not counts:
        return None
    if counts["Hira"] or counts["Kana"]:
        return "ja"
    script = counts.most_common(1)[0][0]
    if script == "Hani":
        return usual if usual in ("zh", "ja") else "zh"
    languages = SCRIPT_LANGUAGES.get(script, ())
    return languages[0] if len(languages) == 1 else None


@lru_cache(maxsize=1)
def _office_languages() -> dict[str, str]:
    return {row["office"]: row["language"] for row in rows("office_languages", FOLDER)}


def office_language(office: str) -> str | None:
    """Language that an office publishes in where it has only one; None for the others."""
    return _office_languages().get(office)
