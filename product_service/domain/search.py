"""Full-text search behind one function: MySQL's FULLTEXT, SQLite's FTS5, and plain comparison for what they cannot see.

Every word must occur, at least as the beginning of one; a hit in the name counts more than one in the description.
"""

import re
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.sql.elements import ColumnElement

from chassis.database import db
from chassis.paging import Sort
from product_service.models import Product

WORD = re.compile(r"[^\W_]+")
MOST_WORDS = 16
LONGEST_WORD = 80
SHORTEST_WORD = 3
NAME_WEIGHT = 10
PRECISION = 1_000_000
# fmt: off
STOP_WORDS = frozenset({
    "a", "about", "an", "and", "are", "as", "at", "be", "by", "com", "de", "en", "for", "from", "how", "i", "in", "is",
    "it", "la", "of", "on", "or", "that", "the", "this", "to", "was", "what", "when", "where", "who", "will", "with",
    "und", "www",
})
# fmt: on
"""What says nothing: the words that InnoDB leaves out of its index unless told otherwise, and `and`."""

goods = Product.__table__.c
fts5 = sa.table("products_search", sa.column("rowid"), sa.column("products_search"))
on_sale = goods.retired == 0
on_sale_of_hits = goods.retired + 0 == 0
"""The same where SQLite is to begin with the hits: along an index it would ask of each product whether it is one."""
Statement = sa.Select[Any]


def matching(statement: Statement, query: str) -> tuple[Statement, Sort | None]:
    """The statement narrowed to matching products on sale, and the order with the best match first if there is one."""
    query = query.replace("\0", " ").strip()
    words = words_of(query)
    indexed = _indexed(words)
    if not indexed:
        return statement.where(on_sale, *map(_in_name, words or query.split()[:MOST_WORDS])), None
    by_index = _by_fulltext if db.engine.dialect.name == "mysql" else _by_fts5
    narrowed, relevance = by_index(statement, indexed)
    return narrowed, Sort("relevance", (relevance, goods.id), descending=True)


def words_of(text: str) -> list[str]:
    """The words of a text or a question, in small letters; of many only the first."""
    return [word[:LONGEST_WORD].lower() for word in WORD.findall(text)][:MOST_WORDS]


def some_matching(query: str, most: int, *, by_name: bool = False) -> sa.Subquery | None:
    """The `id` of at most so many products on sale that match, in no order; None where no index knows them."""
    words = _indexed(words_of(query))
    if not words:
        return None
    if db.engine.dialect.name == "mysql":
        columns = (goods.name,) if by_name else (goods.name, goods.description)
        some = sa.select(goods.id).where(mysql.match(*columns, against=_all_of(words)).in_boolean_mode())
        some = some.where(on_sale)
    else:
        wanted = f"name : ({_phrases(words)})" if by_name else _phrases(words)
        hits = sa.select(fts5.c.rowid.label("id")).where(fts5.c.products_search.match(wanted))
        some = hits.join(Product, goods.id == fts5.c.rowid).where(on_sale_of_hits)
    return some.limit(most).subquery("some")


def is_telling(word: str) -> bool:
    """Is it a word by which an index finds anything?"""
    return len(word) >= SHORTEST_WORD and word not in STOP_WORDS


def _indexed(words: list[str]) -> list[str]:
    return list(filter(is_telling, words))


def _in_name(word: str) -> ColumnElement[bool]:
    if not word.isascii() or not WORD.fullmatch(word):
        return goods.name.contains(word, autoescape=True)
    return goods.name.startswith(word, autoescape=True) | goods.name.contains(f" {word}", autoescape=True)


def _by_fulltext(statement: Statement, words: list[str]) -> tuple[Statement, ColumnElement[int]]:
    in_name = mysql.match(goods.name, against=" ".join(f"{word}*" for word in words)).in_boolean_mode()
    anywhere = mysql.match(goods.name, goods.description, against=_all_of(words)).in_boolean_mode()
    relevance = _whole(in_name * NAME_WEIGHT + anywhere)
    return statement.where(on_sale, anywhere).add_columns(relevance), relevance


def _by_fts5(statement: Statement, words: list[str]) -> tuple[Statement, ColumnElement[int]]:
    score = sa.func.bm25(fts5.c.products_search, NAME_WEIGHT, 1)
    hits = (
        sa.select(fts5.c.rowid.label("id"), _whole(-score))
        .where(fts5.c.products_search.match(_phrases(words)))
        .subquery("hits")
    )
    found = statement.join(hits, hits.c.id == goods.id).where(on_sale_of_hits)
    return found.add_columns(hits.c.relevance), hits.c.relevance


def _all_of(words: list[str]) -> str:
    return " ".join(f"+{word}*" for word in words)


def _phrases(words: list[str]) -> str:
    return " ".join(f'"{word}"*' for word in words)


def _whole(score: Any) -> sa.Label[int]:
    # A cursor compares for equality, which floating-point numbers do not survive.
    return sa.cast(sa.func.round(score * PRECISION), sa.BigInteger).label("relevance")
