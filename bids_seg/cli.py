# SPDX-License-Identifier: Apache-2.0
"""The words of the command line, of the environment and of the configuration file.

The only place that exits. Parsing reads no image; nothing heavy is imported before it is
known that there is something to do.
"""

from __future__ import annotations

import argparse
import atexit
import dataclasses
import itertools
import logging
import os
import shutil
import signal
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from bids_seg import __version__
from bids_seg.errors import CommandError, Terminated, UserError
from bids_seg.options import OPTIONS, Option
from bids_seg.settings import Settings, label, memory_mb

logger = logging.getLogger(__name__)

DOORS = {
    'train': 'train a network from label maps, or go on from weights',
    'evaluate': 'compare masks with a reference',
    'models': 'list the networks, or show the card of one',
    'demo': 'make a small dataset with known tumours',
}
"""First words that enter a side door, and what lies behind."""

DEFECT = 70
"""Exit code of a defect of the program."""

_YES, _NO = ('1', 'true', 'yes', 'on'), ('0', 'false', 'no', 'off', '')
_RECORD_KEYS = ('run', 'versions', 'checksums')


def parser() -> argparse.ArgumentParser:
    """Return the parser; what was not said is absent from its result."""
    made = argparse.ArgumentParser(
        prog='bids-seg',
        description='Brain tumours in MRI: masks with uncertainty, lesion tables and a report, '
        'from raw BIDS data. Research use only.',
        epilog='Other commands: '
        + '; '.join(f'bids-seg {door}: {text}' for door, text in DOORS.items())
        + '. A list of words before the positionals is ended by --. Options can be written with _, '
        'and set as BIDS_SEG_<NAME> in the environment.',
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    made.add_argument('bids_dir', type=Path, help='root of the dataset')
    made.add_argument('output_dir', type=Path, help='root of the results')
    made.add_argument(
        'analysis_level', nargs='+', choices=('participant', 'group'), help='one level or both'
    )
    for option in OPTIONS:
        _add(made, option)
    made.add_argument('--mem-gb', metavar='G', help='as --mem; a bare number is GB')
    made.add_argument('--config-file', type=Path, metavar='F', help='TOML of long options')
    made.add_argument('-v', '--verbose', action='count', help='say more; twice: say all')
    made.add_argument('--version', action='version', version=f'bids-seg {__version__}')
    return made


def settings(
    words: Sequence[str] | None = None, *, environment: Mapping[str, str] | None = None
) -> Settings:
    """Return what the user asked for: command line before environment before file.

    Parameters
    ----------
    words
        Words of the command line; none: those of this process.
    environment
        Variables; none: those of this process.

    Raises
    ------
    CommandError
        If a word, a variable or a key of the file is wrong.
    """
    given = [_spell(word) for word in (sys.argv[1:] if words is None else words)]
    variables = os.environ if environment is None else environment
    said = vars(parser().parse_args(given))
    from_environment = _from_environment(variables)
    file = said.pop('config_file', from_environment.pop('config_file', None))
    from_file = _from_file(Path(file)) if file is not None else {}
    merged = {**from_file, **from_environment, **said}
    if 'mem_gb' in said:
        merged['mem'] = memory_mb(said['mem_gb'], bare='GB')
    merged.pop('mem_gb', None)
    return _settings(merged)


def main(words: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code.

    Parameters
    ----------
    words
        Words of the command line; none: those of this process.
    """
    given = list(sys.argv[1:] if words is None else words)
    _set_environment()
    signal.signal(signal.SIGTERM, _terminate)
    try:
        return _door(given[0], given[1:]) if given and given[0] in DOORS else _run(given)
    except UserError as error:
        sys.stderr.write(f'bids-seg: {error}\n')
        return error.code
    except KeyboardInterrupt:
        sys.stderr.write('bids-seg: interrupted; run it again to go on\n')
        return 128 + signal.SIGINT
    except Terminated:
        sys.stderr.write('bids-seg: terminated; run it again to go on\n')
        return 128 + signal.SIGTERM
    except BrokenPipeError:
        return 128 + signal.SIGPIPE
    except Exception:
        logging.getLogger('bids_seg').exception('a defect of bids-seg')
        sys.stderr.write('bids-seg: a defect of the program, see the log; please report it\n')
        return DEFECT


def _run(words: Sequence[str]) -> int:
    """Run the levels that were asked for, or list the models."""
    spelled = [_spell(word) for word in words]
    pairs = {*itertools.pairwise(spelled), *(tuple(word.split('=', 1)) for word in spelled)}
    if pairs & {(f'--{option}', 'list') for option in ('brain-extraction', 'glioma', 'metastases')}:
        return _models(())
    chosen = settings(words)
    _set_home()
    # nipype and pybids cost a second: not before the words are known to be right.
    from bids_seg.workflow.run import run

    return run(chosen)


def _door(name: str, words: Sequence[str]) -> int:
    """Enter a side door; each has a command line of its own."""
    if name == 'models':
        return _models(words)
    from importlib import import_module

    door: int = import_module(f'bids_seg.{name}.cli').main(words)
    return door


def _models(words: Sequence[str]) -> int:
    """Print the registry as a table, or one card."""
    door = argparse.ArgumentParser(prog='bids-seg models', description=DOORS['models'])
    door.add_argument('name', nargs='?', help='a network, for its card')
    name = door.parse_args(words).name
    from bids_seg.segment import listing

    sys.stdout.write(listing.table() if name is None else listing.card(name))
    return 0


def _add(made: argparse.ArgumentParser, option: Option) -> None:
    """Add one option to the parser."""
    names = (*(alias for alias in option.aliases if len(alias) == 2), f'--{option.name}')
    names = (*names, *(alias for alias in option.aliases if len(alias) > 2))
    if option.flag:
        made.add_argument(*names, dest=option.field, action='store_true', help=option.help)
        return
    made.add_argument(
        *names,
        dest=option.field,
        nargs='+' if option.many else None,
        choices=option.choices,
        metavar=option.metavar,
        help=option.help,
    )


def _spell(word: str) -> str:
    """Return a long option with dashes, however it was written."""
    if not word.startswith('--'):
        return word
    name, equals, value = word.partition('=')
    return name.replace('_', '-') + equals + value


def _from_environment(variables: Mapping[str, str]) -> dict[str, Any]:
    """Return what the environment says, by field."""
    found: dict[str, Any] = {}
    for option in OPTIONS:
        name = 'BIDS_SEG_' + option.field.upper()
        if name in variables:
            found[option.field] = _word(option, variables[name], where=name)
    if 'BIDS_SEG_CONFIG_FILE' in variables:
        found['config_file'] = variables['BIDS_SEG_CONFIG_FILE']
    if 'BIDS_SEG_MEM_GB' in variables:
        found['mem'] = memory_mb(variables['BIDS_SEG_MEM_GB'], bare='GB')
    return found


def _word(option: Option, text: str, *, where: str) -> Any:
    """Return the value of a variable: words for lists, yes or no for flags."""
    if option.flag:
        if text.lower() not in _YES + _NO:
            raise CommandError(f'{text!r} is neither yes nor no', where=where, do='write 1 or 0')
        return text.lower() in _YES
    return text.split() if option.many else text


def _from_file(path: Path) -> dict[str, Any]:
    """Return what a TOML file says, by field; the settings of an earlier run are one."""
    try:
        content = tomllib.loads(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise CommandError(
            f'cannot be read ({error.strerror})', where=path, do='check --config-file'
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CommandError(f'no TOML: {error}', where=path, do='mend the file') from error
    known = {option.name: option for option in OPTIONS}
    found: dict[str, Any] = {}
    for key, value in content.items():
        name = key.replace('_', '-')
        if name in _RECORD_KEYS or name in ('bids-dir', 'output-dir', 'analysis-level'):
            continue
        if name == 'verbose' and isinstance(value, int):
            found['verbose'] = value
            continue
        if name not in known:
            raise CommandError(f'no option is called {key!r}', where=path, do='see bids-seg --help')
        found[known[name].field] = _value(known[name], value, where=f'{path}: {key}')
    return found


def _value(option: Option, value: Any, *, where: str) -> Any:
    """Return a TOML value in the form in which the command line gives it."""
    if option.flag:
        if not isinstance(value, bool):
            raise CommandError(f'{value!r} is neither true nor false', where=where, do='write true')
        return value
    if option.many:
        return [str(item) for item in value] if isinstance(value, list) else [str(value)]
    if isinstance(value, (list, dict, bool)):
        raise CommandError(
            f'one value was expected, not {value!r}', where=where, do='mend the file'
        )
    return str(value)


def _settings(merged: Mapping[str, Any]) -> Settings:
    """Read every word that is still text and make the record."""
    values = dict(merged)
    for option in OPTIONS:
        if option.field in values and not option.flag:
            values[option.field] = _read(option, values[option.field])
    for field, prefix in (('participant_label', 'sub-'), ('session_label', 'ses-')):
        if field in values:
            labels = [label(word, prefix=prefix) for word in values[field]]  # type: ignore[arg-type]
            values[field] = tuple(dict.fromkeys(labels))
    values['analysis_level'] = tuple(dict.fromkeys(values['analysis_level']))
    known = {field.name for field in dataclasses.fields(Settings)}
    made = Settings(**{key: value for key, value in values.items() if key in known})
    return _checked(made)


def _read(option: Option, value: Any) -> Any:
    """Turn the words of one option into its value."""
    where = f'--{option.name}'
    words = value if isinstance(value, list) else [value]
    if option.choices is not None and not set(words) <= set(option.choices):
        odd = sorted(set(words) - set(option.choices))
        raise CommandError(
            f'{", ".join(odd)} cannot be chosen', where=where, do=f'choose of {option.choices}'
        )
    try:
        read = tuple(option.read(word) if isinstance(word, str) else word for word in words)
    except ValueError as error:
        raise CommandError(str(error), where=where, do='see bids-seg --help') from error
    return read if option.many else read[0]


def _checked(chosen: Settings) -> Settings:
    """Refuse what contradicts itself before anything is opened."""
    import re

    if not re.fullmatch(r'auto|cpu|gpu(:\d+)?', chosen.device):
        raise CommandError(
            f'{chosen.device!r} is no device', where='--device', do='write auto, cpu, gpu or gpu:N'
        )
    if 'auto' in chosen.models and len(set(chosen.models)) > 1:
        raise CommandError(
            'auto beside named tasks', where='--models', do='write auto alone, or the tasks alone'
        )
    return chosen


def _set_environment() -> None:
    """Set what must stand before nipype or TensorFlow is imported; the user's values win."""
    defaults = {
        'NO_ET': '1',  # nipype asks a server for its newest version otherwise
        'NIPYPE_NO_ET': '1',
        'TF_CPP_MIN_LOG_LEVEL': '2',
        'MPLBACKEND': 'Agg',
        'PYTHONNOUSERSITE': '1',
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)


def _set_home() -> None:
    """Give libraries a home for their caches where the user has none that can be written."""
    if os.access(os.environ.get('HOME', ''), os.W_OK):
        return
    home = tempfile.mkdtemp(prefix='bids-seg-home-')
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    for name in ('HOME', 'XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'MPLCONFIGDIR'):
        os.environ[name] = home


def _terminate(_number: int, _frame: FrameType | None) -> None:
    """Turn SIGTERM into an exception, so that children end and locks are freed."""
    raise Terminated
