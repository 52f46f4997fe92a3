# SPDX-License-Identifier: Apache-2.0
"""The participant's page as a whole."""

import json
import re
import shutil
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from bids_seg import report
from bids_seg.errors import NothingToDoError, OutputError
from bids_seg.report.page import BANNER

VOID = {'meta', 'br', 'img', 'hr', 'link', 'input'}


class Reader(HTMLParser):
    """Collect identifiers, links and unclosed elements of a page."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.faults, self.alts = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        said = dict(attrs)
        if 'id' in said:
            self.ids.append(said['id'])
        self.links += [said[key] for key in ('href', 'src', 'xlink:href') if key in said]
        if tag == 'svg' and said.get('role') == 'img':
            self.alts.append(said.get('aria-label', ''))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)


def read(path):
    reader = Reader()
    text = path.read_text(encoding='utf-8')
    reader.feed(text)
    return reader, text


@pytest.fixture(scope='module')
def pages(made):
    return {name: report.participant(made, name) for name in ('01', '02', '03')}


@pytest.mark.parametrize('name', ['01', '02', '03'])
def test_a_page_is_whole_and_asks_for_nothing_from_outside(pages, name):
    reader, text = read(pages[name])
    assert reader.faults == []
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))
    outside = [link for link in reader.links if link.startswith(('http:', '//'))]
    assert outside == []
    images = re.findall(r'<image[^>]*? href="([^"]{12})', text)
    assert all(start == 'data:image/w' for start in images)
    assert not re.search(r'\bsrc=|@import|url\((?!#)', text)
    assert all(link.startswith('https://doi.org/') for link in reader.links if '://' in link)
    assert BANNER in text


@pytest.mark.parametrize('name', ['01', '02', '03'])
def test_every_link_of_a_page_leads_somewhere(pages, made, name):
    reader, _ = read(pages[name])
    for link in reader.links:
        if link.startswith('#'):
            assert link[1:] in reader.ids, link
        elif '://' not in link and not link.startswith(('data:', 'logs/')):
            assert (made / link).is_file(), link


def test_the_headline_has_count_volume_diameters_and_side(pages):
    _, text = read(pages['01'])
    finding = re.search(r'class="finding">([^<]+)<', text).group(1)
    assert re.fullmatch(
        r'One enhancing lesion, [\d.]+\smL, [\d.]+ \S [\d.]+\smm, on the right\.', finding
    )


def test_a_visit_without_tumour_says_that_none_was_segmented(pages):
    _, text = read(pages['02'])
    assert 'No lesions segmented.' in text
    assert 'No lesions.' not in text


def test_a_failed_visit_has_a_page_with_message_and_crash_file(pages):
    _, text = read(pages['03'])
    assert 'Visit pre failed.' in text
    assert '4 &lt;volumes&gt;; store one volume.' in text
    assert 'href="logs/r/crash-sub-03_ses-pre-glioma.txt"' in text
    assert '<image' not in text


def test_figures_are_stored_as_files_that_stand_alone(pages, made):
    assert pages['01'].is_file()
    figures = sorted((made / 'sub-01' / 'figures').glob('*.svg'))
    names = {path.name for path in figures}
    assert 'sub-01_ses-02_desc-outlinesFLAIR_FLAIR.svg' in names
    assert 'sub-01_ses-02_desc-gliomaU001_T1w.svg' in names
    assert 'sub-01_desc-volumes_dseg.svg' in names
    for path in figures:
        root = ElementTree.fromstring(path.read_text(encoding='utf-8'))  # noqa: S314 our own file
        assert root.attrib['aria-label']
        inside = {e.attrib['id'] for e in root.iter() if 'id' in e.attrib}
        uses = {e.attrib['href'][1:] for e in root.iter() if e.tag.endswith('}use')}
        assert uses <= inside


def test_figures_say_their_numbers_in_words(pages):
    reader, _ = read(pages['01'])
    assert all(reader.alts)
    lesion = next(alt for alt in reader.alts if 'longest diameter' in alt)
    assert re.search(
        r'longest diameter [\d.]+ mm, perpendicular [\d.]+ mm, volume [\d.]+ mL', lesion
    )


def test_the_same_output_gives_the_same_bytes(pages, made):
    before = pages['01'].read_bytes()
    assert report.participant(made, '01').read_bytes() == before


def test_a_picture_that_cannot_be_made_does_not_cost_the_page(made, tmp_path):
    out = tmp_path / 'out'
    shutil.copytree(made, out)
    broken = next((out / 'sub-02').rglob('*desc-entropy_probseg.nii.gz'))
    broken.write_bytes(b'\x1f\x8bnothing')
    (out / 'sub-02.html').unlink(missing_ok=True)
    with pytest.raises(OutputError, match='1 files could not be shown'):
        report.participant(out, '02')
    _, text = read(out / 'sub-02.html')
    assert f'Not shown: {broken.name}' in text
    assert 'Outlines on every contrast' in text


def test_an_old_figure_is_taken_away(made, tmp_path):
    out = tmp_path / 'out'
    shutil.copytree(made, out)
    old = out / 'sub-03' / 'figures' / 'sub-03_desc-old_T1w.svg'
    old.write_text('<svg/>')
    report.participant(out, '03')
    assert not old.exists()
    assert (out / 'sub-03' / 'figures' / 'sub-03_ses-pre_desc-summary.json').is_file()


def test_a_participant_without_summary_is_named(made):
    with pytest.raises(NothingToDoError, match=r'sub-09: no visit has been worked on; run the'):
        report.participant(made, '09')


def test_a_broken_summary_is_named(tmp_path):
    path = tmp_path / 'sub-01' / 'figures' / 'sub-01_desc-summary.json'
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({'visit': 3}))
    with pytest.raises(OutputError, match=r'not a summary of a visit .*run the visit again'):
        report.participant(tmp_path, '01')
