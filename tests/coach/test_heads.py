"""Two experts a head: what each says of authors it had not read, and what words mean where no line used them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from bot.adapters import word_vectors
from bot.adapters.heads import Head, Labelled, Meaning


@pytest.fixture(scope="module")
def drawn():
    chance = np.random.RandomState(7)
    rows = chance.randn(60, 5).astype(np.float32)
    truth = (rows[:, 0] > 0).astype(int)
    return rows, truth, np.array([f"author-{n % 4}" for n in range(60)])


def test_what_is_said_of_an_author_held_out_is_as_if_never_read(drawn):
    rows, truth, authors = drawn
    targets = np.eye(2, dtype=np.float32)[truth] * 2 - 1
    weights = np.ones(len(rows), dtype=np.float32)
    held = authors == "author-1"
    whole, unseen = Meaning.fitted(rows, targets, weights, held)
    # The centre and the average are the whole's, so the same expert is asked of rows that weigh next to nothing.
    light = weights.copy()
    light[held] = 1e-6
    unread, _ = Meaning.fitted(rows, targets, light, np.zeros(len(rows), dtype=bool))
    assert unseen == pytest.approx(unread(rows[held]), abs=0.02)
    assert whole(rows[held]) != pytest.approx(unseen, abs=0.02)


def test_a_text_that_is_said_twice_teaches_as_much_as_one_of_twice_the_weight(drawn):
    rows, truth, authors = drawn
    silent = csr_matrix(np.full((len(rows) + 1, 3), 0.5, dtype=np.float32))
    one, two = Labelled(), Labelled()
    for n, author in enumerate(authors):
        label = "yes" if truth[n] else "no"
        one.add(f"line {n}", label, weight=2.0 if n == 0 else 1.0, group=author)
        two.add(f"line {n}", label, group=author)
    two.add("line 0", two.labels[0], group=authors[0])
    heavy = Head().fit(silent[:-1], one, rows)._meaning
    twice = Head().fit(silent, two, np.vstack([rows, rows[:1]]))._meaning
    assert heavy is not None
    assert twice is not None
    assert twice(rows) == pytest.approx(heavy(rows), abs=1e-3)


def test_those_who_calibrate_leave_most_of_the_rarest_class_to_be_learnt():
    labels = np.array(["yes"] * 60 + ["no"] * 90)
    groups = np.array(["ann"] * 30 + ["bea"] * 20 + ["cyd"] * 10 + ["dan", "eve", "fay"] * 30)
    head = Head()
    head.classes = ["no", "yes"]
    out = head._held_out(labels, np.ones(len(labels)), groups)
    assert set(groups[out]) == {"bea", "eve"}
    alone = np.array(["ann"] * len(labels))
    assert not head._held_out(labels, np.ones(len(labels)), alone).any()


def test_a_head_reads_meaning_where_words_say_nothing(drawn):
    rows, truth, authors = drawn
    data = Labelled()
    for n, author in enumerate(authors):
        data.add(f"line {n}", "yes" if truth[n] else "no", group=author)
    silent = csr_matrix(np.full((len(rows), 3), 0.5, dtype=np.float32))
    head = Head().fit(silent, data, rows)
    said = head.probabilities(silent, rows)[:, head.classes.index("yes")] > 0.5
    assert np.mean(said == truth.astype(bool)) > 0.9
    deaf = Head().fit(silent, data)
    assert deaf.probabilities(silent)[:, 0].std() == pytest.approx(0, abs=1e-6)


def test_four_bits_a_number_keep_a_vector_near_to_itself():
    vectors = np.random.RandomState(3).randn(200, 16).astype(np.float32)
    back = word_vectors.unpack(*word_vectors.pack(vectors))
    cosines = (vectors * back).sum(axis=1) / np.linalg.norm(vectors, axis=1) / np.linalg.norm(back, axis=1)
    assert cosines.min() > 0.97


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("The hamlet's physician is overworked", "The village doctor has too much to do", "The printer needs paper"),
        ("pupils skipping lessons", "students who miss classes", "a ward with too few beds"),
    ],
)
def test_words_of_like_meaning_lie_near_each_other(text, near, far):
    one, other, third = word_vectors.load().rows([text, near, far])
    assert one @ other > one @ third + 0.1


def test_a_text_without_a_known_word_has_no_direction():
    rows = word_vectors.load().rows(["zzqx blorpf", "the of and"])
    assert np.all(rows == 0)


def test_the_table_is_small_enough_for_the_repository():
    assert word_vectors.TABLE.stat().st_size < 1_000_000
