"""Take out what PostgreSQL says behind its labels (`DETAIL:`, `LINE 1:`, …): it may be data, whatever it says."""

# ruff: noqa: RUF001 - PostgreSQL speaks Russian, too
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from pytest_resilience.runtime.redaction.rule import mark, words
from pytest_resilience.runtime.redaction.text_index import tokens_of

_LABELS = words("""
    DETAIL HINT QUERY CONTEXT STATEMENT TIP TIPP ANFRAGE KONTEXT ZUSAMMENHANG ANWEISUNG DÉTAIL ASTUCE REQUÊTE CONTEXTE
    DETALLE SUGERENCIA CONSULTA CONTEXTO SENTENCIA DETTAGLI DETTAGLIO SUGGERIMENTO CONTESTO ISTRUZIONE
    DETALHE COMANDO DOPORUČENÍ DOTAZ PŘÍKAZ SZCZEGÓŁY PODPOWIEDŹ ZAPYTANIE KONTEKST DETALJ FRÅGA AYRINTI İPUCU SORGU
    BAĞLAM ΕΡΩΤΗΜΑ ΛΕΠΤΟΜΕΡΕΙΑ ПОДРОБНОСТИ ПОДСКАЗКА ЗАПРОС КОНТЕКСТ ОПЕРАТОР ДЕТАЛІ ВІДОМОСТІ ПІДКАЗКА УКАЗІВКА
    ЗАПИТ ІНСТРУКЦІЯ დეტალი დეტალები ოპერატორი მინიშნება მოთხოვნა კონტექსტი 詳細 ヒント 問い合わせ 文脈 상세정보 힌트
    쿼리 구문 내용 描述 详细信息 查询 背景 上下文 语句
""")
_SHORT = words("INSTRUCTION TIPS NOTA DICA SATS 文 提示")
"""Labels that other texts use too; PostgreSQL's begin a line."""

_LINES = words("LINE ZEILE LIGNE LÍNEA LINHA ŘÁDKA LINIA SATIR ΓΡΑΜΜΗ СТРОКА РЯДОК ხაზი")
_SHORT_LINES = words("RAD RIGA 行 줄")

_NUMBER = r" ?\d{1,9}"


def _one_of(labels: frozenset[str], lines: frozenset[str]) -> str:
    """Return a pattern for what follows the first letter, which lets a search look for those letters alone."""
    names = sorted({*labels, *(word + _NUMBER for word in lines)})
    groups = groupby(names, key=itemgetter(0))
    return "|".join(f"(?<={first})(?:{'|'.join(name[1:] for name in group)})" for first, group in groups)


_FIRST = "".join(sorted({word[0] for word in _LABELS | _SHORT | _LINES | _SHORT_LINES}))
_LABEL = re.compile(
    rf"[{_FIRST}](?:(?:(?<!\w.)|(?<=\\[nrt].))(?:{_one_of(_LABELS, _LINES)})"
    rf"|(?:(?<![^\n].)|(?<=\\[nrt].)|(?<=\| .))(?:{_one_of(_SHORT, _SHORT_LINES)}))[ \u00a0]?[:：]\s*"
    r"|第\d{1,9}行[:：]?\s*"
)
"""As libpq and the server write them, in each language that they speak."""

_AFTER = re.compile(
    r"(?:\n|\\n)[ \t|]*(?:Traceback \(most recent call|The above exception was|During handling of the above|\+-+"
    r"|\[SQL: |\[parameters: |\(Background on this error|(?:SCHEMA|TABLE|COLUMN|DATATYPE|CONSTRAINT) NAME: |LOCATION: )"
)
"""What follows a message of PostgreSQL's and is none: Python's chain, SQLAlchemy's statement, names of the schema."""

_SCHEMA = re.compile(
    r"(?P<key>Key \([\w\", ]{1,200}\)=)\(.*\)(?P<why> already exists\."
    r"| is not present in table \"[\w.]{1,130}\"\.| is still referenced from table \"[\w.]{1,130}\"\.)\s*\Z"
    r"|(?P<row>Failing row contains )\("
    r"|(?P<copy>COPY [\w.\"]{1,130}, line \d+(?:, column [\w\"]{1,64})?: )",
    re.DOTALL,
)
"""Forms of which a part is certainly a name of the schema."""

_DONE = re.compile(
    r"(?:Key \([\w\", ]{1,200}\)=\(|Failing row contains \(|COPY [\w.\"]{1,130}, line \d+[^:\n]{0,80}: )?\[redacted:"
)
"""What was redacted before, and may have other texts behind it by now."""

_QUOTED = re.compile(r"([:：]\s{0,2})[\"»«„“].*", re.DOTALL)
"""How the message before the first label ends, in any language, where it quotes a value."""

_UNLABELLED = re.compile(
    r"((?:\b|(?<=\\n))[Kk]ey \([^)\n]{0,200}\)=)\((?!\[redacted)(?:[^\n]*\)|.*)"
    r"|((?:\b|(?<=\\n))[Ff]ailing row contains )(?!\(\[redacted)(?:\([^\n]*\)\.?(?=\s*(?:\n|\Z))|.*)",
    re.DOTALL,
)
_MARK = mark("postgres-detail")


@dataclass(frozen=True, slots=True)
class PostgresRule:
    """Replace what stands behind each label, up to the next label or the end of the message."""

    name: str = "postgres-detail"
    when: frozenset[str] = tokens_of(_LABELS | _SHORT | _LINES | _SHORT_LINES | words("第 key failing"))
    certain: bool = True

    def apply(self, text: str) -> str:
        """Return the text with the labels and without what they stand for."""
        text = "".join(_parts(text)) if _LABEL.search(text) else text
        if "ey (" not in text and "ailing row contains" not in text:
            return text
        return _UNLABELLED.sub(lambda match: f"{match[1] or match[2]}({_MARK})", text)


def _parts(text: str) -> Iterator[str]:
    done = 0
    labels = list(_LABEL.finditer(text))
    for place, label in enumerate(labels):
        end = labels[place + 1].start() if place + 1 < len(labels) else len(text)
        after = _AFTER.search(text, label.end(), end)
        end = after.start() if after else end
        yield _without_value(text[done : label.start()])
        yield label[0]
        yield _told(text[label.end() : end])
        done = end
    yield text[done:]


def _without_value(message: str) -> str:
    plain = _stripped(message)
    if not plain.endswith(tuple('"»«“”')):
        return message
    return _QUOTED.sub(rf"\1{mark('quoted-value')}", plain) + message[len(plain) :]


def _told(said: str) -> str:
    """Return what may be shown of what a label stands for, and the line breaks behind it."""
    if not said or _DONE.match(said):
        return said
    plain = _stripped(said)
    return _shown(plain) + said[len(plain) :]


def _stripped(text: str) -> str:
    """Return the text without the line breaks at its end, also as repr() writes them."""
    text = text.rstrip()
    while text.endswith("\\n"):
        text = text[:-2].rstrip()
    return text


def _shown(said: str) -> str:
    match = _SCHEMA.match(said)
    if match is None:
        return _MARK
    if match["key"]:
        return f"{match['key']}({_MARK}){match['why']}"
    return f"{match['row']}({_MARK})" if match["row"] else f"{match['copy']}{_MARK}"
