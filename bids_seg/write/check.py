# SPDX-License-Identifier: Apache-2.0
"""Look at a finished output tree for what the BIDS validator does not see.

`problems` is empty for a tree that keeps the contract. Names and texts are looked at here,
voxels and headers in `check_images`.
"""

import fnmatch
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from bids_seg.write import names, paths
from bids_seg.write.check_images import Tree, image_problems
from bids_seg.write.text import MISSING, read_tsv

_LEGAL_ROOT = frozenset({*names.ROOT_FILES, 'participants.tsv', 'participants.json'})
_KEPT = frozenset({'sub', 'ses', 'task', 'acq', 'ce', 'rec', 'run', 'echo', 'part'})
_ALLOWED: dict[str, frozenset[str]] = {
    **dict.fromkeys(('T1w', 'T2w', 'FLAIR'), _KEPT | {'space', 'res', 'desc'}),
    'mask': _KEPT | {'space', 'res', 'label', 'desc'},
    'dseg': _KEPT | {'space', 'seg', 'res', 'desc'},
    'probseg': _KEPT | {'space', 'seg', 'res', 'label', 'desc'},
}
_PATH = re.compile(r'(?<![\w.:/<>~*+,)-])/(?:[\w.+-]+/)+[\w.+-]*')
_HOMES = re.compile(r'(?<!\w)/(?:home|Users|root|tmp|mnt|scratch|private|work|out|bids)/[\w.+-]+')
_TEXTS = ('.json', '.tsv', '.md', '.toml', '.jsonl', '.txt')
_PAGES = ('.html', '.svg')


def problems(out_dir: Path, *, raw: Path | None = None) -> list[str]:
    """Return what is wrong with an output dataset, one sentence each, with the file.

    Parameters
    ----------
    out_dir
        Root of the output dataset.
    raw
        Root of its input, to resolve URIs; None takes it from `DatasetLinks`, where that is
        a path.
    """
    tree = Tree(out_dir, raw)
    looks: tuple[Callable[[Tree], Iterator[str]], ...] = (
        _uris,
        _links,
        _twins,
        _raw_names,
        _companions,
        _inheritance,
        _tables,
        _columns,
        _descriptions,
        _ignored,
        _transforms,
        _absolute_paths,
        image_problems,
    )
    return [problem for look in looks for problem in look(tree)]


def _uris(tree: Tree) -> Iterator[str]:
    """Follow sources and references in space to a file."""
    for path in (path for path in tree.data if path.endswith('.json')):
        content = tree.json(path)
        if 'RawSources' in content:
            yield f'{path}: RawSources is deprecated'
        sources = content.get('Sources', [])
        if not isinstance(sources, list):
            yield f'{path}: Sources is no list'
            continue
        places = [content['SpatialReference']] if 'SpatialReference' in content else []
        for uri in [*sources, *places]:
            reason = _unresolved(tree, str(uri))
            if reason:
                yield f'{path}: {uri} {reason}'


def _unresolved(tree: Tree, uri: str) -> str:
    """Return why a URI leads nowhere; empty if it does, or if that cannot be known here."""
    if uri.startswith(('https://', 'doi:')):
        return ''
    scheme, _, rest = uri.partition(':')
    link, colon, path = rest.partition(':')
    if scheme != 'bids' or not colon:
        return 'is no BIDS URI'
    if not link:
        return '' if path in tree.files else 'does not exist'
    known = tree.json('dataset_description.json').get('DatasetLinks', {})
    if link not in known:
        return f'has a link {link} that is not in DatasetLinks'
    folder = tree.root / str(known[link])
    if link == 'raw' and tree.raw is not None:
        folder = tree.raw
    if folder.is_dir() and not (folder / path).exists():
        return 'does not exist'
    return ''


def _links(tree: Tree) -> Iterator[str]:
    """Links to other datasets have a name and are no absolute paths."""
    for name, target in tree.json('dataset_description.json').get('DatasetLinks', {}).items():
        if not name:
            yield 'dataset_description.json: an empty key in DatasetLinks'
        if str(target).startswith(('/', 'file:')) or re.match(r'[A-Za-z]:\\', str(target)):
            yield f'dataset_description.json: DatasetLinks.{name} is an absolute path'


def _twins(tree: Tree) -> Iterator[str]:
    """No image is stored both plain and compressed."""
    for path in tree.images:
        if path.endswith('.nii') and f'{path}.gz' in tree.files:
            yield f'{path}: stored compressed as well'


def _raw_names(tree: Tree) -> Iterator[str]:
    """No derivative is named like a raw file."""
    for path in tree.images:
        if not paths.OWN_ENTITIES & paths.entities(path)[0].keys():
            yield f'{path}: a derivative named like a raw file'


def _companions(tree: Tree) -> Iterator[str]:
    """Images and transforms have sidecars; sidecars and lookup tables have images."""
    mains = [path for path in tree.data if path.endswith(('.nii', '.nii.gz', '_xfm.txt'))]
    stems = {paths.stem(path) for path in mains}
    for path in mains:
        if paths.sidecar(path) not in tree.files:
            yield f'{path}: no sidecar'
    for path in tree.data:
        in_anat = '/anat/' in path and path.endswith(('.json', '.tsv'))
        if in_anat and paths.stem(path) not in stems:
            yield f'{path}: no image of this name'


def _inheritance(tree: Tree) -> Iterator[str]:
    """Rules 3 and 4: a metadata file applies to one image, in its own folder."""
    mains = [path for path in tree.data if path.endswith(('.nii', '.nii.gz', '_xfm.txt'))]
    parsed = [(path.rpartition('/')[0], *paths.entities(path), path) for path in mains]
    for path in (path for path in tree.files if path.endswith(('.json', '.tsv'))):
        if path.startswith('logs/') or '/figures/' in path:
            continue
        folder = path.rpartition('/')[0]
        entities, suffix = paths.entities(path)
        above = f'{folder}/' if folder else ''
        for place, other, other_suffix, main in parsed:
            applies = suffix == other_suffix and entities.items() <= other.items()
            if not applies or not f'{place}/'.startswith(above):
                continue
            if paths.stem(main) != paths.stem(path):
                yield f'{path}: applies to {main} as well'


def _tables(tree: Tree) -> Iterator[str]:
    """Tables are UTF-8 with LF, rectangular, without empty cells or columns of one name."""
    for path in (path for path in tree.files if path.endswith('.tsv')):
        content = (tree.root / path).read_bytes()
        if content.startswith(b'\xef\xbb\xbf'):
            yield f'{path}: begins with a byte order mark'
        if b'\r' in content:
            yield f'{path}: has CR line ends'
        try:
            lines = content.decode('utf-8').split('\n')
        except UnicodeDecodeError:
            yield f'{path}: is not UTF-8'
            continue
        if lines[-1]:
            yield f'{path}: the last line has no end'
        rows = [line.split('\t') for line in lines[:-1]]
        if any(not cell.strip() for row in rows for cell in row):
            yield f'{path}: has empty cells'
        if any(len(row) != len(rows[0]) for row in rows):
            yield f'{path}: has rows of different lengths'
        if rows and len(set(rows[0])) != len(rows[0]):
            yield f'{path}: has two columns of one name'


def _columns(tree: Tree) -> Iterator[str]:
    """Columns are described, their values among the levels; none is the participant's and ours."""
    people = set(read_tsv(tree.root / names.PARTICIPANTS)[0])
    for path in (path for path in tree.files if path.endswith('.tsv')):
        listed, rows = read_tsv(tree.root / path)
        words = tree.json(paths.sidecar(path))
        missing = [name for name in listed if not isinstance(words.get(name), dict)]
        if missing:
            yield f'{path}: columns without description: {", ".join(missing)}'
        for name in set(listed) - set(missing):
            levels = words[name].get('Levels')
            strange = {row[name] for row in rows} - {MISSING, *(levels or ())}
            if levels and strange:
                yield f'{path}: {name} has values outside of Levels: {sorted(strange)}'
        if path.endswith('_sessions.tsv') and people & set(listed):
            yield f'{path}: shares columns with participants.tsv: {sorted(people & set(listed))}'


def _descriptions(tree: Tree) -> Iterator[str]:
    """One row of descriptions.tsv for each label in use."""
    rows = read_tsv(tree.root / 'descriptions.tsv')[1]
    counted = Counter(row.get('desc_id', '') for row in rows)
    used = {paths.entities(path)[0].get('desc') for path in tree.images} - {None}
    for label in sorted(f'desc-{label}' for label in used):
        if counted[label] != 1:
            yield f'descriptions.tsv: {counted[label]} rows for {label}'


def _ignored(tree: Tree) -> Iterator[str]:
    """Patterns of .bidsignore cover every file outside of the schema and hide none inside."""
    place = tree.root / '.bidsignore'
    patterns = place.read_text(encoding='utf-8').splitlines() if place.is_file() else []
    if tuple(patterns) != names.BIDSIGNORE:
        yield f'.bidsignore: holds {patterns}, expected {list(names.BIDSIGNORE)}'
    for path in tree.files:
        legal, hidden = _legal(path), _hidden(path, patterns)
        if legal and hidden:
            yield f'{path}: hidden by .bidsignore'
        if not legal and not hidden:
            yield f'{path}: neither in the schema nor in .bidsignore'


def _legal(path: str) -> bool:
    """Return whether the schema knows a name, as far as we use it."""
    if path in _LEGAL_ROOT or path.startswith(('logs/', 'tpl-')):
        return True
    folder, _, name = path.rpartition('/')
    entities, suffix = paths.entities(path)
    if suffix == 'sessions':
        table = names.sessions_table(folder.removeprefix('sub-'))
        return path in (table, paths.sidecar(table))
    session = f'/ses-{entities["ses"]}' if 'ses' in entities else ''
    if folder != f'sub-{entities.get("sub", "")}{session}/anat':
        return False
    order = [key for key in paths.ENTITY_ORDER if key in entities]
    clean = all(re.fullmatch(r'[0-9a-zA-Z+]+', value) for value in entities.values())
    ends = {'.nii.gz', '.nii', '.json'} | ({'.tsv'} if suffix == 'dseg' else set())
    end = name[name.index('.') :]
    known = set(entities) <= _ALLOWED.get(suffix, frozenset())
    return known and list(entities) == order and clean and end in ends


def _hidden(path: str, patterns: list[str]) -> bool:
    """Return whether one of the patterns covers a file."""
    parts = PurePosixPath(path).parts
    return any(
        fnmatch.fnmatchcase(part, pattern.rstrip('/'))
        for pattern in patterns
        # A pattern that ends in a slash is about folders alone.
        for part in (parts[:-1] if pattern.endswith('/') else parts)
    )


def _transforms(tree: Tree) -> Iterator[str]:
    """Look for an image in the space that each transform leads to."""
    spaces = {
        (path.rpartition('/')[0], paths.entities(path)[0].get('space')) for path in tree.images
    }
    known = {space for _, space in spaces}
    for path in (path for path in tree.data if path.endswith('_xfm.txt')):
        to = paths.entities(path)[0].get('to')
        near = (path.rpartition('/')[0], to) in spaces
        # The longitudinal grid may belong to another visit of the participant.
        if not near and (to != 'individual' or to not in known):
            yield f'{path}: no image in space {to}'


def _absolute_paths(tree: Tree) -> Iterator[str]:
    """No text but the log names a folder of the machine that made it."""
    own = str(tree.root.resolve())
    for path in (path for path in tree.files if path.endswith(_TEXTS + _PAGES)):
        content = (tree.root / path).read_text(encoding='utf-8', errors='replace')
        found = (_PATH if path.endswith(_TEXTS) else _HOMES).search(content)
        named = own if own in content else found.group() if found else ''
        if named:
            yield f'{path}: names an absolute path ({named})'
