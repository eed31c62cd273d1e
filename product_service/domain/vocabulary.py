"""The shop's vocabulary: the words that name what is on sale, by which a misspelt question is set right.

The worker writes it anew every few minutes while goods change. A correction follows Lucene's DirectSpellChecker with
"fuzziness AUTO": one letter or two wrong, left out, too many or swapped, never the first; of several words the nearest,
then the commonest.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from rapidfuzz import process
from rapidfuzz.distance import OSA

from chassis.database import db
from product_service.domain import search
from product_service.models import Product, SearchWord

MOST_WORDS = 50_000
SETTLES_WITHIN = timedelta(minutes=10)
SHORTEST_WORD, LONGEST_WORD = 3, 40
LONGEST_WITH_ONE_FAULT = 5
MOST_CORRECTED = 4
READ_AT_ONCE = 5_000
WRITTEN_AT_ONCE = 1_000
LAST = "\U0010ffff"

goods = Product.__table__.c
words = SearchWord.__table__.c
Counts = dict[str, int]


def refresh() -> None:
    """Write down which words are in use now, and in how many names each; of very many the commonest."""
    found = _counted()
    known = _counts(sa.select(words.word, words.products))
    outdated = [word for word, products in known.items() if found.get(word) != products]
    news = [word for word, products in found.items() if known.get(word) != products]
    for some in _parts(outdated):
        db.session.execute(sa.delete(SearchWord).where(words.word.in_(some)))
    for some in _parts(news):
        rows = [{"word": word, "letters": len(word), "products": found[word]} for word in some]
        db.session.execute(sa.insert(SearchWord), rows)


def is_outdated(counted: datetime) -> bool:
    """Have goods come, changed or gone since this moment, or been on their way then?"""
    changed = sa.select(goods.id).where(goods.updated_at > counted - SETTLES_WITHIN).limit(1)
    return db.session.scalar(changed) is not None


def corrected(query: str) -> str | None:
    """The question with the likeliest word for each that begins no known one; None when there is nothing to mend."""
    asked = search.words_of(query)
    unknown = _unknown([word for word in asked if search.is_telling(word)])
    if not unknown or len(unknown) > MOST_CORRECTED:
        return None
    known = _similar(unknown)
    instead = {word: _nearest(word, known) for word in unknown}
    mended = [instead.get(word, word) for word in asked]
    return None if None in mended else " ".join(map(str, mended))


def _counted() -> Counts:
    counts: Counter[str] = Counter()
    for names in _names():
        counts.update(word for name in names for word in set(search.words_of(name)) if _is_kept(word))
        if len(counts) > 4 * MOST_WORDS:
            counts = Counter(dict(counts.most_common(2 * MOST_WORDS)))
    return dict(counts.most_common(MOST_WORDS))


def _names() -> Iterator[Sequence[str]]:
    after = 0
    while True:
        behind = sa.select(goods.id, goods.name).where(goods.retired == 0, goods.id > after).order_by(goods.id)
        rows = db.session.execute(behind.limit(READ_AT_ONCE)).all()
        db.session.rollback()
        yield [row.name for row in rows]
        if len(rows) < READ_AT_ONCE:
            return
        after = rows[-1].id


def _is_kept(word: str) -> bool:
    # What has digits is a number of something: there is no telling which one was meant.
    return SHORTEST_WORD <= len(word) <= LONGEST_WORD and word.isalpha()


def _parts(of: list[str]) -> Iterator[list[str]]:
    return (of[start : start + WRITTEN_AT_ONCE] for start in range(0, len(of), WRITTEN_AT_ONCE))


def _unknown(asked: list[str]) -> list[str]:
    """Those words with which no word of the vocabulary begins."""
    if not asked:
        return []
    begun = (sa.select(words.word).where(_beginning_with(word)).exists() for word in asked)
    answers = db.session.execute(sa.select(*(each.label(f"begun_{place}") for place, each in enumerate(begun)))).one()
    return [word for word, is_known in zip(asked, answers, strict=True) if not is_known]


def _similar(unknown: list[str]) -> Counts:
    """The words that begin with the same letter as one of these and are about as long."""
    alike = (
        sa.and_(_beginning_with(word[0]), words.letters.between(len(word) - _faults(word), len(word) + _faults(word)))
        for word in unknown
    )
    return _counts(sa.select(words.word, words.products).where(sa.or_(*alike)))


def _counts(statement: sa.Select[Any]) -> Counts:
    return {row.word: row.products for row in db.session.execute(statement)}


def _nearest(word: str, known: Counts) -> str | None:
    near = process.extract(word, list(known), scorer=OSA.distance, score_cutoff=_faults(word), limit=None)
    here = [(distance, -known[other], other) for other, distance, _ in near if other[0] == word[0]]
    return min(here)[2] if here else None


def _faults(word: str) -> int:
    return 1 if len(word) <= LONGEST_WITH_ONE_FAULT else 2


def _beginning_with(letters: str) -> sa.ColumnElement[bool]:
    return words.word.between(letters, letters + LAST)
