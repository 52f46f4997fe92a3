# SPDX-License-Identifier: Apache-2.0
"""Whoever chooses a model sees what it needs, whence its weights come and what it scored."""

from bids_seg import cli
from bids_seg.segment import listing, models


def rows():
    """Return the table as dictionaries."""
    first, *lines = (line.split('\t') for line in listing.table().splitlines())
    return {line[0]: dict(zip(first, line, strict=True)) for line in lines}


def test_every_model_has_a_line_without_a_gap():
    assert tuple(rows()) == models.names()
    assert all(cell for row in rows().values() for cell in row.values())


def test_what_ships_has_a_digest_and_what_does_not_an_address():
    for row in rows().values():
        assert (row['url'] == 'n/a') == (row['ships'] == 'yes')
        if row['ships'] == 'yes':
            assert all(len(digest) == 64 for digest in row['sha256'].split())


def test_published_facts_stand_in_the_table():
    table = rows()
    assert table['nobrainer']['sha256'].startswith('17d946f9')
    assert table['segresnet']['md5'] == '870e677b782a5184cbc48db1456b78e8'
    assert table['segresnet']['images'] == 'T1wCE+T1w+T2w+FLAIR'
    assert table['brainmets']['networks'] == '5'
    barred = [name for name, row in table.items() if row['use'] == 'not commercial']
    assert barred == ['budakeras-brain', 'budakeras-flair']
    assert table['brainmets']['use'] == 'use not stated'


def test_a_card_says_where_to_put_the_weights_and_under_what_licence():
    card = listing.card('budakeras-flair')
    assert card.startswith('# budakeras-flair\n')
    assert 'CC-BY-NC-SA-4.0, not commercial' in card
    assert '`weights_64.h5` from https://drive.google.com/' in card
    assert 'MD5 870e677b' in listing.card('segresnet')
    assert listing.card('brain') == models.find('brain').card


def test_the_word_list_prints_the_table_instead_of_a_run(capsys):
    for words in (['models'], ['in', 'out', 'participant', '--brain-extraction=list']):
        assert cli.main(words) == 0
        assert capsys.readouterr().out == listing.table()
