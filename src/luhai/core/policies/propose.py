"""Measures that a policy document may contain, proposed for a person to confirm.

A measure is one thing that somebody is to do, with a quote that is a stretch of the text. The proposals follow
the rule by which the seed was cut (`docs/algorithms/policy-parsing.md`): clauses between commas; a verb that says
how binding each is, and that governs the clauses after it; the enumeration, actor, territory and condition
inside. It is a reading aid: it opens nothing, and a proposal means nothing until a person has confirmed it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .parse.document import ParsedDocument


class Modality(StrEnum):
    """How binding a measure is, strongest first."""

    MUST = "MUST"
    BUILD = "BUILD"
    PROMOTE = "PROMOTE"
    SUPPORT = "SUPPORT"
    ENCOURAGE = "ENCOURAGE"
    EXPLORE = "EXPLORE"


#: Weights for ordering, in hundredths; a proposal of the domain reference, not a legal number.
WEIGHT: Final = {
    Modality.MUST: 100,
    Modality.BUILD: 90,
    Modality.PROMOTE: 70,
    Modality.SUPPORT: 60,
    Modality.ENCOURAGE: 40,
    Modality.EXPLORE: 30,
}

#: Verbs by modality. Longer ones are tried first, so that 不得 is found before 得.
VERBS: Final = {
    Modality.MUST: "要 应当 应 必须 不得 确保 坚决 严厉 严禁 禁止 需 须 遏制 化解 有效履行",
    Modality.BUILD: "建设 建立 设立 打造 上线 发布 构建 搭建 组建 建成 制定 共同建立",
    Modality.PROMOTE: (
        "推动 推广 推进 加强 强化 深化 完善 优化 健全 扩大 拓展 拓宽 提升 提高 简化 丰富 降低 便利 促进 发挥 充分发挥 "
        "充分应用 加大 引进 创新 规范 开发 争取 改进 培育 统筹 协调 积极 稳妥 加快 深入 落实 用好 保障 稳步 做好 改善 "
        "增强 减少 取消 放宽 缩短 引导 参与 协同 跟踪 监测"
    ),
    Modality.SUPPORT: "支持 允许 给予 运用好 统筹运用 聚焦 开展 可 可以",
    Modality.ENCOURAGE: "鼓励 倡导",
    Modality.EXPLORE: "探索 研究 探讨 试点",
}
_BY_VERB: Final = {verb: modality for modality, verbs in VERBS.items() for verb in verbs.split()}
#: These are also parts of other words: 应用, 需求, 可行.
_NOT_BEFORE: Final = {"应": "用急对收付", "需": "求要", "可": "行流复持编", "要": "求素"}
_VERB: Final = re.compile(
    "|".join(
        f"{verb}(?![{_NOT_BEFORE[verb]}])" if verb in _NOT_BEFORE else verb
        for verb in sorted(_BY_VERB, key=len, reverse=True)
    )
)
#: These govern what follows them in a sentence: "鼓励A建立B，开展C" encourages both.
_GOVERNING: Final = frozenset(["支持", "鼓励", "允许", "倡导", "探索", "研究", "探讨"])
#: After a governing verb these still say something of their own.
_OWN: Final = frozenset(["推动", "加强", "强化", "确保", "坚决", "严厉", "完善", "推广", "支持", "鼓励", "探索", "研究", "探讨", "允许", "深化", "发布"])

#: A clause that begins so only says when, where or how the next one is to be done.
_SETTING: Final = re.compile(
    r"(?:在.*(?:下|中|时|方面|基础上|前提下|平台|指导下)|按照.*|依托.*|围绕.*|立足.*|根据.*|结合.*|针对.*|通过.*|为.*|以.*为.*|"
    r"对.*|与.*|沿线省（区、市）.*|各.*|.*的)$"
)
#: A later clause that begins so says what the one before is for.
_PURPOSE: Final = re.compile(
    r"提升|提高|满足|助力|带动|服务|实现|增强|确保.*相适应|为.{2,30}(?:提供|创造|打下)|引导更多|推动.{2,20}(?:流动|发展)$|"
    r"获取|促进.{2,20}发展|支持境内|支持通道|支持上游|支持沿线基础|支持企业融资|支持外贸"
)

_ACTORS: Final = (
    ("FI-HO", r"金融机构总行(?:（总部）)?|总行（总部）"),
    ("PBOC-BR", r"人民银行分行|人民银行分支机构|人民银行各分支|中国人民银行.{0,6}分行"),
    ("FI-BR", r"其分支机构|分支机构结合"),
    ("LOCAL-BANK", r"(?:地方)?法人银行"),
    ("PBOC", r"中国?人民银行|央行"),
    ("SAFE", r"外汇(?:管理)?局|外汇管理|外汇登记|外汇业务|资本项目"),
    ("NFRA", r"金融监管(?:管理)?总局|银保监会"),
    ("CSRC", r"证监会"),
    ("MOF", r"财政部"),
    ("NDRC", r"发展改革委"),
    ("MOT", r"交通运输部"),
    ("MOFCOM", r"商务部"),
    ("CUSTOMS", r"海关"),
    ("TAX", r"税务"),
    ("POLICE", r"公安"),
    ("IFO", r"国际金融组织"),
    ("IFC", r"国际金融中心"),
    ("EXCHANGE", r"交易所"),
    ("RATER", r"评级机构"),
    ("LESSOR", r"租赁公司|融资租赁"),
    ("INSURER", r"保险(?:公司|机构)|航运保险"),
    ("CORE-FIRM", r"核心企业"),
    ("CARRIER", r"承运人|铁路|航运企业"),
    ("PROV", r"省（区、市）政府|地方政府|省级政府|各省（区、市）|人民政府"),
    ("REG-LOCAL", r"金融监管(?:联动|协作|机构)|监管机构"),
    ("BANK", r"银行(?!间|卡|业监|保监)"),
    ("FI", r"金融机构"),
)
_TERRITORIES: Final = (
    ("500000", "重庆"), ("450000", "广西"), ("520000", "贵州"), ("620000", "甘肃"), ("630000", "青海"),
    ("650000", "新疆"), ("530000", "云南"), ("640000", "宁夏"), ("610000", "陕西|西安"), ("510000", "四川|成都"),
    ("150000", "内蒙古"), ("540000", "西藏"), ("460000", "海南|洋浦"), ("440800", "湛江"), ("431200", "怀化"),
)  # fmt: skip
_CONDITION: Final = re.compile(
    r"符合条件(?:的[\u4e00-\u9fff]{2,12}?(?=提供|办理|为|自主|通过|在|加入|向|发行|，|$))?|有条件(?:的)?(?:地区|省（区、市）|地方)?|"
    r"在[^，。]{2,60}(?:前提下|框架下|原则下)|按照[^，。]{2,40}原则|依法合规|真实、?合规|经[^，。]{2,20}(?:批准|同意)|优质企业|"
    r"结合[^，。]{2,10}(?:需求|实际)|试点"
)
_CLAUSE_END: Final = "，；。！？,;"
_OPEN, _CLOSE = "（(“\"《【[", "）)”\"》】]"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A possible measure. `start` and `end` are offsets in the document's text; `quote` is what lies between."""

    article: int  # index into the document's articles
    quote: str
    start: int
    end: int
    modality: Modality
    verb: str
    items: tuple[str, ...]  # the parts of an enumeration, each a measure of its own; empty when there is none
    actors: tuple[str, ...]
    territories: tuple[str, ...]  # GB/T 2260; empty when the text names none
    condition: str


def propose(text: str, document: ParsedDocument) -> list[Proposal]:
    """The measures that the articles of a document may contain, in the order of the text."""
    found: list[Proposal] = []
    for index, article in enumerate(document.articles):
        actors: tuple[str, ...] = ()
        for sentence in article.sentences:
            for start, end, modality, verb in _measures(text, sentence.start, sentence.end):
                quote = text[start:end]
                # An actor named once acts until another is named.
                actors = tuple(_actors(text[sentence.start : end])) or actors
                found.append(
                    Proposal(
                        article=index,
                        quote=quote,
                        start=start,
                        end=end,
                        modality=modality,
                        verb=verb,
                        items=tuple(items(quote)),
                        actors=actors,
                        territories=tuple(code for code, name in _TERRITORIES if re.search(name, quote)),
                        condition="; ".join(dict.fromkeys(_CONDITION.findall(quote))),
                    )
                )
    return found


def _measures(text: str, start: int, end: int) -> list[tuple[int, int, Modality, str]]:
    """The stretches of one sentence that say what is to be done."""
    found: list[tuple[int, int, Modality, str]] = []
    governing: tuple[Modality, str] | None = None
    setting_from: int | None = None
    for first, last in _clauses(text, start, end):
        clause = text[first:last]
        verb = _leading_verb(clause)
        begins = first if setting_from is None else setting_from
        if verb is None:
            if setting_from is None and _SETTING.match(clause):
                setting_from = first
            elif governing and found and not _SETTING.match(clause):
                found.append((first, last, *governing))  # "…，开展银团贷款" without a verb that we know
            continue
        setting_from = None
        modality = _BY_VERB[verb]
        if found and _PURPOSE.match(clause):
            before = found[-1]
            found[-1] = (before[0], last, before[2], before[3])
            continue
        if governing and verb not in _OWN:
            modality, verb = governing
        elif verb in _GOVERNING:
            governing = (modality, verb)
        found.append((begins, last, modality, verb))
    return found


def _clauses(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Cut at commas and semicolons outside brackets and quotation marks; spans without the marks."""
    spans: list[tuple[int, int]] = []
    depth, first, straight = 0, start, False
    for at in range(start, end):
        character = text[at]
        if character == '"':
            straight = not straight
        elif character in _OPEN:
            depth += 1
        elif character in _CLOSE:
            depth = max(0, depth - 1)
        elif character in _CLAUSE_END and not depth and not straight:
            spans.append((first, at))
            first = at + 1
    spans.append((first, end))
    return [(first, last) for first, last in spans if text[first:last].strip()]


def _leading_verb(clause: str) -> str | None:
    """The verb that governs a clause: at its beginning, or after the one who is to act."""
    found = _VERB.match(clause)
    if found:
        return found.group()
    reach = re.match(r"(?:[^，]{1,24}?(?:机构|银行|部门|政府|企业|地区|省（区、市）|公司|总部）|分行|等|平台))", clause)
    if reach:
        found = _VERB.match(clause, reach.end()) or _VERB.search(clause, reach.end(), reach.end() + 16)
        if found:
            return found.group()
    if _SETTING.match(clause):
        return None
    found = _VERB.search(clause)
    return found.group() if found and found.start() <= 30 else None


_BEFORE_ITEMS: Final = re.compile(
    "支持|鼓励|推动|推广|建立|建设|设立|打造|发布|开展|加强|强化|完善|用好|争取|通过|提供|办理|开发|使用|应用|运用|创新|集|在|为|"
    "向|与|的|对|扩大"
)


def items(quote: str) -> list[str]:
    """The parts of the enumeration over 、 in a quote; empty when it has none.

    The first part loses the words before it (the verb and what belongs to it), the last one what follows.
    """
    depth = 0
    cuts: list[int] = []
    for at, character in enumerate(quote):
        if character in "（(《【":
            depth += 1
        elif character in "）)》】":
            depth = max(0, depth - 1)
        elif character == "、" and not depth:
            cuts.append(at)
    if not cuts:
        return []
    parts = [quote[: cuts[0]], *(quote[a + 1 : b] for a, b in zip(cuts, [*cuts[1:], len(quote)], strict=True))]
    head = _BEFORE_ITEMS.split(parts[0])[-1]
    parts[0] = head or parts[0]
    last = re.split(r"等|，|(?<!共)和(?=.{2,8}$)|方面|方式|功能|模式|合作|于一体|战略资源|有关|的融合", parts[-1])
    parts[-1] = last[0] or parts[-1]
    more = [part for part in last[1:2] if "和" in parts[-1]]
    return [part.strip('"“”') for part in [*parts, *more] if 1 < len(part) <= 24]


def _actors(words: str) -> list[str]:
    found: list[str] = []
    taken: list[tuple[int, int]] = []
    for code, pattern in _ACTORS:
        for match in re.finditer(pattern, words):
            if not any(a < match.end() and match.start() < b for a, b in taken):
                taken.append(match.span())
                if code not in found:
                    found.append(code)
    return found
