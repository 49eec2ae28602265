"""The course is whole in both languages, and its questions do not give themselves away."""

import re
from collections import Counter

import pytest

from services.access.training.bank import courses
from services.kit.texts import Language

COURSE = courses()["using-donated-data"]
LANGUAGES: tuple[Language, Language] = ("sv", "en")
CHAPTER = re.compile(r"^## (\d+)\. \S", re.MULTILINE)


def test_there_are_questions_enough_from_every_chapter() -> None:
    assert len(COURSE.questions) >= 24
    chapters = Counter(question.chapter for question in COURSE.questions)
    assert all(count >= 3 for count in chapters.values())
    for language in LANGUAGES:
        numbers = [int(n) for n in CHAPTER.findall(COURSE.lesson[language])]
        assert numbers == sorted(chapters) == list(range(1, len(numbers) + 1))
        assert 5 <= len(numbers) <= 7


def test_every_text_is_there_in_both_languages_and_differs_between_them() -> None:
    assert set(COURSE.title) == set(COURSE.lesson) == set(LANGUAGES)
    for question in COURSE.questions:
        for told in (question.text, question.explanation, *(option.text for option in question.options)):
            assert set(told) == set(LANGUAGES), question.id
            assert all(text.strip() == text and text for text in told.values()), question.id
        assert question.text["sv"] != question.text["en"]
        assert question.explanation["sv"] != question.explanation["en"]


def test_questions_and_options_are_told_apart() -> None:
    ids = [question.id for question in COURSE.questions]
    assert len(set(ids)) == len(ids)
    for question in COURSE.questions:
        options = [option.id for option in question.options]
        assert 3 <= len(options) <= 4
        assert len(set(options)) == len(options)
        assert options.count(question.right) == 1
        for language in LANGUAGES:
            assert len({option.text[language] for option in question.options}) == len(options), question.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_right_option_is_not_told_by_its_place_or_its_length(language: Language) -> None:
    places: Counter[int] = Counter()
    lengths: Counter[int] = Counter()
    for question in COURSE.questions:
        places[[option.id for option in question.options].index(question.right)] += 1
        by_length = sorted(question.options, key=lambda option: -len(option.text[language]))
        lengths[[option.id for option in by_length].index(question.right)] += 1
    assert max(places.values()) <= len(COURSE.questions) * 0.5
    assert max(lengths.values()) <= len(COURSE.questions) * 0.5


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_lesson_teaches_what_it_must(language: Language) -> None:
    text = COURSE.lesson[language]
    for must in ("72", "2009:400", "2003:460", "IMY", "26", "33", "34"):
        assert must in text
    assert len(text) > 5000
    # Plain Markdown: nothing that would have to be run or fetched.
    assert not re.search(r"<\w|!\[|\]\(", text)


def test_an_edition_names_the_bank_it_was_drawn_from() -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", COURSE.edition)
