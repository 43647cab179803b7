"""What stands around the articles: title, document number, issuers, and the day of a policy document."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from .lines import Level, Line
from .numerals import DATE, NUMERAL, read_date

#: Names and short names of the authorities that issue financial policy, for texts that print several
#: of them without a gap. Others are recognised by how their names end.
AUTHORITIES: Final = tuple(
    sorted(
        re.findall(
            r"\S+",
            """中共中央办公厅 中共中央 国务院办公厅 国务院 全国人民代表大会常务委员会 全国人民代表大会 全国人大常委会
        最高人民法院 最高人民检察院 中国人民银行办公厅 中国人民银行 人民银行 国家外汇管理局 国家外汇局 外汇局
        国家金融监督管理总局 金融监管总局 中国银行保险监督管理委员会 中国银保监会 银保监会
        中国银行业监督管理委员会 中国银监会 银监会 中国保险监督管理委员会 中国保监会 保监会
        中国证券监督管理委员会 中国证监会 证监会 国家发展和改革委员会 国家发展改革委 发展改革委
        中华人民共和国国家发展和改革委员会 中华人民共和国商务部 中华人民共和国财政部 中华人民共和国海关总署
        商务部 财政部 交通运输部 工业和信息化部 公安部 科学技术部 科技部 教育部 司法部 农业农村部 自然资源部
        生态环境部 住房和城乡建设部 水利部 文化和旅游部 国家卫生健康委 应急管理部 人力资源社会保障部 外交部
        海关总署 国家税务总局 税务总局 国家市场监督管理总局 市场监管总局 国家知识产权局 国家铁路局 国家邮政局
        中国民用航空局 国家能源局 国家统计局 国务院国有资产监督管理委员会 国务院国资委 国资委 国家互联网信息办公室
        中央网信办 中央宣传部 国家数据局""",
        ),
        key=len,
        reverse=True,
    )
)
_ENDS: Final = (
    "部|委|委员会|总局|局|署|总署|厅|办公厅|办公室|办|银行|总行|分行|支行|总部|法院|检察院|政府|海关|协会|学会|"
    "交易所|大会|总会|联合会|总公司|集团|兵团|党组|工委|中央|国务院|中心|小组"
)
_AUTHORITY: Final = re.compile(rf"[\u4e00-\u9fff（）]{{1,38}}?(?:{_ENDS})")

_OPEN, _CLOSE = "〔\\[［【﹝〈（(", "〕\\]］】﹞〉）)"
_YEAR: Final = rf"[{_OPEN}]\s*((?:19|20)[0-9]{{2}})\s*[{_CLOSE}]"
_ISSUE: Final = rf"([\u4e00-\u9fffA-Z\s\u3000]{{0,90}}?)\s*{_YEAR}\s*(第?)\s*([0-9]{{1,5}})\s*号"
#: A document number: 银发〔2025〕77号, 中国人民银行令〔2021〕第4号.
DOCUMENT_NO: Final = re.compile(_ISSUE)
_NO_IN_BRACKETS: Final = re.compile(
    rf"\s*[（(【]({_ISSUE}|[\u4e00-\u9fff]{{2,30}}令\s*第\s*[0-9]{{1,5}}\s*号)[）)】]$"
)
_YEARLY: Final = re.compile(r"(?:19|20)[0-9]{2}\s*年\s*第\s*[0-9]{1,4}\s*号")
_SERIAL: Final = re.compile(rf"第\s*([0-9]{{1,5}}|{NUMERAL})\s*号")
#: 国务院令第707号, as laws and regulations cite the order that brought them into force.
_ORDER_NO: Final = re.compile(rf"([\u4e00-\u9fff]{{2,30}}令)[\s\u3000]*第?\s*([0-9]{{1,5}}|{NUMERAL})\s*号")
#: 银发〔1998〕190号文颁布, 中国人民银行令〔2005〕第3号公布: a number inside a sentence, after a day.
_NO_IN_PASSING: Final = re.compile(
    rf"(?<=日)[\u4e00-\u9fff\s]{{0,40}}?{_YEAR}\s*第?\s*[0-9]{{1,5}}\s*号(?=文?\s*(?:公布|发布|颁布|印发))"
)
_ORDER: Final = re.compile(r"[\u4e00-\u9fff\s\u3000\xa0]{2,80}令(?:\s*[（(][^（()）]{2,20}号[）)])?")

_KINDS: Final = (
    "通知|意见|决定|决议|办法|规定|条例|细则|公告|通告|公报|批复|复函|函|通报|答复|规则|规程|法|法典|解释|方案|规划|纲要|"
    "计划|指引|指南|目录|措施|报告|摘要|准则|章程|议定书|协定|备忘录|标准|要点|清单|命令|令|宣言|声明|制度|若干问题|号|安排"
)
_COMPLETE: Final = re.compile(
    rf"(?:{_KINDS})(?:》)?(?:[（(][^（）()]{{1,30}}(?:[（(][^（）()]*[）)])?[）)])*[》]?(?:的(?:通知|公告|决定|命令))?$"
)
_NAMED_ISSUE: Final = re.compile(rf"{_YEAR}\s*第?\s*[0-9]+\s*号[（(].{{2,80}}[）)]$")
_LABEL: Final = re.compile(
    r"(索\s*引\s*号|主\s*题\s*分\s*类|发\s*文\s*机\s*关|成\s*文\s*日\s*期|标\s*题|发\s*文\s*字\s*号|文\s*号|"
    r"发\s*布\s*日\s*期|生\s*效\s*日\s*期|施\s*行\s*日\s*期|公\s*文\s*种\s*类|主\s*题\s*词|关\s*键\s*词|"
    r"有\s*效\s*性|时\s*效\s*性|来\s*源|公\s*开\s*方\s*式)[\s\u3000]*[：:][\s\u3000]*(.*)"
)
_RED_HEAD: Final = re.compile(r"(?:加\s*急|特\s*急|平\s*急|机密.*|秘密.*|[—\-－\s]*[0-9]{1,3}[—\-－\s]*)")
_PAPER: Final = re.compile(r"(.{2,60}?)\s*文\s*件")
_BODY_END: Final = ("。", "；", ";", "：", ":", "！", "，", "、")
_PAST: Final = ("通过", "公布", "发布", "修订", "修正", "批准", "施行", "颁布", "根据")
_PERSON: Final = re.compile(
    r"(?:^|[\s\u3000])(?:行\s*长|总\s*理|主\s*席|部\s*长|局\s*长|主\s*任|署\s*长|院\s*长|检察长|委员长|省\s*长|市\s*长)"
    r"[\s\u3000：:]*[\u4e00-\u9fff·\s\u3000]{2,8}$"
)
_VERB: Final = re.compile(r"关于|印发|转发|批转|发布|公布|对(?=.*答复)|令(?=[〔\[【（(第]|$)|公告|通告|文件$")
_NAME_DATE: Final = re.compile(r"((?:19|20)[0-9]{2})-([0-9]{2})-([0-9]{2})")
_NOTE: Final = re.compile(r"[（(](?:此件|本文有|此文).{0,20}[）)]")
_ATTACHED: Final = re.compile(
    rf"附[\s\u3000]*(?:件|录|表)?[\s\u3000]*(?:[0-9]{{1,2}}|{NUMERAL})?[\s\u3000]*[：:]?"
)

#: How far down a title or a number may stand, in lines that are not blank.
HEADER_REACH: Final = 25


@dataclass(slots=True)
class Signature:
    """Who signed and when: the lines from `first` to `last`; `day_line` holds the date."""

    first: int
    day_line: int
    last: int
    day: date
    issuers: list[str]


@dataclass(slots=True)
class Header:
    title: str | None = None
    document_no: str | None = None
    issuers: list[str] = field(default_factory=list)
    day: date | None = None
    title_lines: set[int] = field(default_factory=set)
    number_lines: set[int] = field(default_factory=set)
    date_lines: set[int] = field(default_factory=set)
    other_lines: set[int] = field(default_factory=set)  # labels, red heads
    history_lines: set[int] = field(default_factory=set)
    body_from: int = 0  # the first line after all this


def is_attachment(line: Line) -> bool:
    """Tell whether the line only says that an annex begins: 附件, 附件1, 附："""
    return _ATTACHED.fullmatch(line.words) is not None


def is_note(line: Line) -> bool:
    """Tell whether the line is a remark of the publisher: （此件公开发布）."""
    return _NOTE.fullmatch(line.words) is not None


def is_history(line: Line) -> bool:
    """Tell whether the line says when a law was passed, published or amended."""
    words = line.words.lstrip("（( 　")
    dated = DATE.match(words) or (words != line.words and DATE.search(words[:60]))
    return bool(dated) and any(verb in words for verb in _PAST)


def is_heading_like(line: Line) -> bool:
    """Tell whether the line could be a title: short, without the end of a sentence, without a number."""
    return (
        not line.blank
        and len(line.words) <= 60
        and not line.words.endswith(_BODY_END)
        and line.marker is None
        and not is_attachment(line)
        and not is_note(line)
        and DATE.fullmatch(line.words) is None
    )


def read(lines: list[Line], signatures: list[Signature], name: str) -> Header:
    """Read title, number, issuers and day. `name` is the file's name: the last resort for a title or a day."""
    header = Header()
    shown = [index for index, line in enumerate(lines) if line.words]
    block = _title_block(lines, shown, header)
    title = _title_of(lines, block, header)
    bare_order = title is not None and _ORDER.fullmatch(title) is not None
    if bare_order and header.document_no and header.document_no.startswith(("〔", "第")):
        header.document_no = f"{title}{header.document_no}"
    order = title if bare_order else None
    if bare_order or title is None:
        title = _enacted(lines, signatures, header, cited=bare_order) or title
    if title:
        inside = _NO_IN_BRACKETS.search(title)
        if inside:
            header.document_no = header.document_no or _tidy_number(inside.group(1))
            title = title[: inside.start()].rstrip()
        if header.document_no is None or header.document_no.startswith("〔"):
            cited = DOCUMENT_NO.match(title)
            if cited:
                header.document_no = _tidy_number(cited.group(0))
            elif header.document_no and re.fullmatch(r".*(?:令|公告|通告)", title):
                header.document_no = title + header.document_no
    _read_history(lines, header)
    if header.document_no is None:
        orders = [
            found
            for index in sorted(header.history_lines)
            for found in _ORDER_NO.finditer(lines[index].words)
        ]
        passing = [
            found
            for index in sorted(header.history_lines)
            for found in _NO_IN_PASSING.finditer(lines[index].words)
        ]
        if orders:
            header.document_no = f"{orders[-1].group(1)}第{orders[-1].group(2)}号"
        elif passing:
            header.document_no = _tidy_number(passing[-1].group(0))
    stem = re.sub(r"\.(?:txt|md|markdown|html?)$", "", name.rsplit("/", 1)[-1])
    named = re.sub(r"[（(]?(?:19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}[）)]?$", "", stem).strip()
    header.title = title or (named if re.search("[\u4e00-\u9fff]", named) else None)
    _read_issuers(lines, signatures, header, order)
    _read_day(lines, signatures, header, stem)
    return header


def find_signatures(lines: list[Line]) -> list[Signature]:
    """Find every place where authorities or persons sign above a day, from the first sentence on."""
    found: list[Signature] = []
    in_body = False
    for index, line in enumerate(lines):
        if not in_body:
            in_body = len(line.words) > 20 and line.words.endswith(("。", "：", "；"))
            continue
        if line.blank or len(line.words) > 60:
            continue
        dated = list(DATE.finditer(line.words))
        if not dated or dated[-1].end() != len(line.words):
            continue
        day = read_date(dated[-1])
        before = line.words[: dated[-1].start()].strip()
        if day is None or (before and not _authorities(before)):
            continue
        first, names = _signers(lines, index)
        if before:
            names = names + _authorities(before)
        if not names and first == index:
            # A bare day belongs to a signature only when nothing but remarks or an annex follows it.
            rest = [line for line in lines[index + 1 :] if line.words][:1]
            if rest and not (is_note(rest[0]) or is_attachment(rest[0]) or is_heading_like(rest[0])):
                continue
        last = index
        while last + 1 < len(lines) and (lines[last + 1].blank or is_note(lines[last + 1])):
            last += 1
        while last > index and lines[last].blank:
            last -= 1
        found.append(Signature(first, index, last, day, list(dict.fromkeys(names))))
    return found


def _signers(lines: list[Line], day_line: int) -> tuple[int, list[str]]:
    first, names, gap = day_line, list[str](), 0
    for index in range(day_line - 1, max(-1, day_line - 40), -1):
        line = lines[index]
        if line.blank:
            gap += 1
            if gap > 2:
                break
            continue
        if len(line.words) > 80 or line.marker is not None or is_attachment(line):
            break
        person = _PERSON.search(line.words)
        here = _authorities(line.words[: person.start()] if person else line.words)
        if not here and not person:
            break
        first, names, gap = index, here + names, 0
    return first, names


def _authorities(words: str) -> list[str]:
    """The authorities that a run of words names; empty unless all of it does."""
    tokens: list[str] = []
    for token in re.split(r"[\s\u3000\xa0]+|、", words.strip()):
        if tokens and len(token) == 1 and (len(tokens[-1]) == 1 or tokens[-1].startswith("\0")):
            tokens[-1] = "\0" + tokens[-1].lstrip("\0") + token  # "外 汇 局" is spaced out to fill a line
        elif token:
            tokens.append(token)
    names: list[str] = []
    for token in (token.lstrip("\0") for token in tokens):
        known = _segment(token)
        if known:
            names += known
        elif _AUTHORITY.fullmatch(token) and len(token) >= 2:
            names.append(token)
        else:
            return []
    return names


def _segment(words: str) -> list[str]:
    """Cut a run of known names printed without gaps; empty when something else is among them."""
    names: list[str] = []
    at = 0
    while at < len(words):
        name = next((name for name in AUTHORITIES if words.startswith(name, at)), None)
        if name is None:
            return []
        names.append(name)
        at += len(name)
    return names


def _title_block(lines: list[Line], shown: list[int], header: Header) -> list[int]:
    """The lines at the top that are title, with numbers, labels and days put aside on the way."""
    block: list[int] = []
    waiting: re.Match[str] | None = None  # a label whose value stands in the next line
    labelled = False
    for seen, index in enumerate(shown):
        line = lines[index]
        words = line.words
        if seen > HEADER_REACH:
            break
        label = _LABEL.fullmatch(words)
        if label:
            labelled = True
            waiting = label if not label.group(2) else None
            _take_label(label, label.group(2), index, header)
            continue
        if waiting:
            _take_label(waiting, words, index, header)
            if re.sub(r"\s", "", waiting.group(1)) != "标题":
                waiting = None
            continue
        if labelled and block:
            break
        if line.markdown == 1 and not (line.marker and line.marker.level is not Level.BOOK):
            header.body_from = index + 1
            return [index]
        numbered = DOCUMENT_NO.fullmatch(words) or _SERIAL.fullmatch(words) or _YEARLY.fullmatch(words)
        if numbered and (not block or not _NAMED_ISSUE.search(words)):
            whole = DOCUMENT_NO.fullmatch(words)
            if whole and not block and re.search(r"(?:令|公告|通告)$", whole.group(1).strip()):
                block.append(index)  # the number is the title too: 中国人民银行公告〔2023〕第19号
                header.body_from = index + 1
                continue
            if whole and block and _bare(words) in _bare(lines[block[0]].words):
                block.append(index)  # the heading again
                header.body_from = index + 1
                continue
            header.document_no = _tidy_number(words)
            header.number_lines.add(index)
            header.body_from = index + 1
            if block and all(_authorities(_bare(lines[other].words)) for other in block):
                header.other_lines |= set(
                    block
                )  # the red head names who writes; the title is beneath the number
                block.clear()
            if block:
                break
            continue
        paper = _PAPER.fullmatch(words)
        if not block and (_RED_HEAD.fullmatch(words) or (paper and _authorities(_bare(paper.group(1))))):
            header.other_lines.add(index)
            header.body_from = index + 1
            continue
        day = DATE.fullmatch(words)
        if day:
            header.date_lines.add(index)
            header.day = read_date(day)
            header.body_from = index + 1
            if block:
                break
            continue
        if (
            line.marker is not None
            or words.endswith(_BODY_END)
            or len(words) > 220
            or is_history(line)
            or is_attachment(line)
            or re.fullmatch(r"目[\s\u3000]*[录次]", words)
        ):
            break
        if (not block and words[0] in "（(") or re.fullmatch(r"[A-Z]{1,4}/[0-9A-Z-]+", words):
            break
        if block and len(words) > 100 and _COMPLETE.search(lines[block[-1]].words):
            break
        block.append(index)
        header.body_from = index + 1
    return block


def _take_label(label: re.Match[str], value: str, index: int, header: Header) -> None:
    kind, value = re.sub(r"\s", "", label.group(1)), value.strip()
    header.other_lines.add(index)
    header.body_from = index + 1
    if kind in ("发文字号", "文号") and DOCUMENT_NO.search(value):
        header.document_no = _tidy_number(value)
    elif kind == "发文机关":
        header.issuers = _authorities(value)
    elif kind == "成文日期":
        day = DATE.search(value)
        header.day = read_date(day) if day else header.day
    elif kind == "标题" and value:
        header.title = (header.title or "") + value


def _title_of(lines: list[Line], block: list[int], header: Header) -> str | None:
    if header.title:
        return header.title
    if not block:
        return None
    words = [_spaced(lines[index].words) for index in block]
    taken = len(words)
    if len(words) > 1:
        rest = _bare("".join(words[1:]))
        again = _bare(words[0]) in map(_bare, words[1:])
        orders = _ORDER.fullmatch(words[1]) is not None or bool(_authorities(words[1]))
        if _COMPLETE.search(words[0]) and (rest in _bare(words[0]) or again or orders):
            header.title_lines = set(block)
            return _spaced(words[0])
        if not (header.number_lines and min(header.number_lines) > block[0]):
            # Without a number beneath, the title ends where a kind of document has been named.
            for taken in range(1, len(words) + 1):
                following = words[taken] if taken < len(words) else ""
                if _COMPLETE.search(words[taken - 1]) and not following.startswith(
                    ("的", "和", "及", "与", "》")
                ):
                    break
    header.title_lines = set(block[:taken])
    header.other_lines |= set(block[taken:])
    title = words[0]
    for line in words[1:taken]:
        apart = _authorities(title.split()[-1]) and _authorities(line.split()[0])
        title = f"{title} {line}" if apart or (title[-1].isascii() and line[0].isascii()) else title + line
    return _spaced(title)


def _enacted(lines: list[Line], signatures: list[Signature], header: Header, *, cited: bool) -> str | None:
    """The name of the rules that an order brings into force: printed after its signature, or in 《》."""
    if signatures:
        after = [index for index in range(signatures[0].last + 1, len(lines)) if lines[index].words]
        while after and (is_attachment(lines[after[0]]) or is_note(lines[after[0]])):
            after.pop(0)
        named: list[int] = []
        for index in after[:6]:
            if not is_heading_like(lines[index]) or is_history(lines[index]):
                break
            named.append(index)
            if _COMPLETE.search(lines[index].words):
                header.title_lines |= set(named)
                return "".join(_spaced(lines[index].words) for index in named)
    for line in lines[header.body_from : header.body_from + 8] if cited else []:
        named_there = re.search(r"《([^》]{4,80})》", line.words)
        if named_there:
            return named_there.group(1)
    return None


def _read_history(lines: list[Line], header: Header) -> None:
    """Find the lines, before the first clause, that say when a law was passed, published or amended."""
    open_bracket = False
    for index, line in enumerate(lines[:120]):
        marked = line.marker is not None and line.marker.level in (Level.CLAUSE, Level.CHAPTER)
        if marked and not open_bracket:
            break
        if index in header.title_lines or index in header.number_lines or line.blank:
            continue
        if open_bracket or (is_history(line) and (line.words[0] in "（(" or index >= header.body_from)):
            if not open_bracket and line.words[0] not in "（(" and line.words.endswith("。"):
                continue  # a sentence of the preamble that happens to begin with a day
            header.history_lines.add(index)
            opened = sum(line.words.count(mark) for mark in "（(") - sum(
                line.words.count(mark) for mark in "）)"
            )
            open_bracket = (open_bracket or line.words[0] in "（(") and opened >= (0 if open_bracket else 1)


def _read_issuers(lines: list[Line], signatures: list[Signature], header: Header, order: str | None) -> None:
    if header.issuers:
        return
    title = header.title or ""
    for words in (order, title, header.document_no):
        verb = _VERB.search(words) if words else None
        if words and verb and verb.start() > 0:
            prefix = re.sub(r"^中华人民共和国(?=国务院|主席)", "", words[: verb.start()].strip())
            header.issuers = _authorities(prefix)
            if header.issuers:
                return
    signed = next((signature for signature in signatures if signature.issuers), None)
    if signed:
        header.issuers = signed.issuers
        return
    for line in [line for line in lines[:40] if line.words][:8]:
        made = re.search(r"[，。]([\u4e00-\u9fff、]{4,60}?)(?:联合)?制定了", line.words)
        named = line.words.removeprefix("中华人民共和国") if _ORDER.fullmatch(line.words) else ""
        header.issuers = (
            _authorities(made.group(1)) if made else _authorities(named.split("令")[0]) if named else []
        )
        if header.issuers:
            return
    for index in sorted(header.history_lines, reverse=True):
        words = lines[index].words
        for pattern in (
            r"(全国人民代表大会常务委员会)第?[^，。]{0,20}(?:通过|修订|修正|《)",
            r"(全国人民代表大会)(?!常务)第?[^，。]{0,20}(?:通过|修订|修正|《)",
            r"(最高人民法院|最高人民检察院)(?:审判委员会|第|公告|检察委员会)",
            r"(?:中华人民共和国)?(国务院)(?:令|批准|第|常务)",
            r"日[\s\u3000]*([\u4e00-\u9fff、]{2,60}?)(?:令)?\s*(?:[〔\[(（第]|发布|公布|颁布)",
        ):
            who = re.search(pattern, words)
            if who and _authorities(who.group(1)):
                header.issuers = _authorities(who.group(1))
                return
        local = re.search(r"([\u4e00-\u9fff]{2,16}?)第[^，。届\s]{1,4}届人民代表大会(常务委员会)?", words)
        if local:
            header.issuers = [f"{local.group(1)}人民代表大会{local.group(2) or ''}"]
            return
        if re.search(r"届[\u4e00-\u9fff]*全国人民代表大会常务委员会|全国人民代表大会常务委员会", words):
            header.issuers = ["全国人民代表大会常务委员会"]
            return
        if "国务院关于修改" in words:
            header.issuers = ["国务院"]
            return
    known = next((name for name in AUTHORITIES if title.startswith(name)), None)
    header.issuers = [known] if known else _byline(lines, header)


def _byline(lines: list[Line], header: Header) -> list[str]:
    """Authorities printed alone beneath the title, as reports do."""
    names: list[str] = []
    for index in sorted(header.other_lines):
        names += _authorities(lines[index].words)
    return names


def _read_day(lines: list[Line], signatures: list[Signature], header: Header, stem: str) -> None:
    if header.day and not header.date_lines:
        return  # a label gave it
    signed = next((signature for signature in signatures if signature.issuers), None) or (
        signatures[0] if signatures else None
    )
    if signed:
        header.day = signed.day
        return
    if header.day:
        return
    past: list[date] = []
    for index in header.history_lines:
        for passage in re.split(
            r"[\s\u3000]{2,}|[，,；;。]|(?<=[过布订正准])[\s\u3000]+", lines[index].words
        ):
            days = [day for day in map(read_date, DATE.finditer(passage)) if day]
            if days and not re.search(r"起?施行|生效", passage):
                past += days
    header.day = max(past, default=None)
    named = _NAME_DATE.search(stem)
    if named:
        year, month, day = map(int, named.groups())
        try:
            stated = date(year, month, day)
        except ValueError:
            return
        header.day = max(header.day or stated, stated)


def _tidy_number(words: str) -> str:
    found = DOCUMENT_NO.search(words)
    if not found:
        return re.sub(r"[\s\u3000]", "", words)
    prefix = " ".join(found.group(1).split())
    if all(len(token) == 1 for token in prefix.split(" ")):
        prefix = prefix.replace(" ", "")
    return f"{prefix}〔{found.group(2)}〕{found.group(3)}{found.group(4)}号"


def _bare(words: str) -> str:
    return re.sub(r"[\s\u3000\xa0]", "", words)


def _spaced(words: str) -> str:
    """Close up letters spaced out to fill a line ("几 个 问 题"), keep the gaps between names."""
    closed: list[str] = []
    run: list[str] = []
    for token in [*words.split(), ""]:
        if len(token) == 1:
            run.append(token)
            continue
        closed += ["".join(run)] if len(run) > 2 else run
        run = []
        closed.append(token)
    return " ".join(token for token in closed if token)
