# SPDX-License-Identifier: Apache-2.0
"""Errors that a user can act on: what happened, to which file, what to do.

::

    UserError             1   base; also: one or more visits failed
    ├── ImageError        1   one image cannot be used; its visit fails, the run goes on
    ├── StageError        1   a stage of one visit failed (a child died, a registration ran away)
    ├── CommandError      2   command line, filter, reader or configuration file
    ├── InputError        65  the dataset cannot be used at all
    ├── NothingToDoError  66  nothing that was asked for can be done
    ├── UnavailableError  69  weights, template or device missing
    ├── OutputError       73  output or work folder cannot be written
    └── LockedError       75  another run holds what is left to do
"""

from __future__ import annotations

import errno
from os import PathLike

FULL = (errno.ENOSPC, errno.EDQUOT)
"""Numbers of an OSError that say that there is no room: the user's to mend, no defect."""


class UserError(Exception):
    """Say what happened, where, and what to do about it.

    Parameters
    ----------
    what
        What happened, with the values seen; one sentence without a full stop.
    where
        The file, folder or option that it happened to.
    do
        What the user can do; one sentence without a full stop.

    Attributes
    ----------
    code
        Exit code of a run that ends with this error.

    Examples
    --------
    >>> print(UserError('4 volumes', where='sub-01_T1w.nii.gz', do='store one volume'))
    sub-01_T1w.nii.gz: 4 volumes; store one volume
    """

    code = 1

    def __init__(self, what: str, *, where: str | PathLike[str], do: str) -> None:
        self.what = what
        self.where = str(where)
        self.do = do
        super().__init__(f'{self.where}: {what}; {do}')

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.what, self.where, self.do)


def _rebuild(kind: type[UserError], what: str, where: str, do: str) -> UserError:
    """Make an error again in another process, where its keywords would be lost."""
    return kind(what, where=where, do=do)


class ImageError(UserError):
    """One image cannot be used."""


class StageError(UserError):
    """A stage of one visit failed."""


class CommandError(UserError):
    """The command line, or a file that belongs to it, is wrong."""

    code = 2


class InputError(UserError):
    """The dataset cannot be used at all."""

    code = 65


class NothingToDoError(UserError):
    """No visit that was asked for has the images that a chosen model needs."""

    code = 66


class UnavailableError(UserError):
    """Weights, a template or a device are missing."""

    code = 69


class OutputError(UserError):
    """A folder cannot be made or written, or is too full."""

    code = 73


class LockedError(UserError):
    """Another run holds the lock of all that is left to do."""

    code = 75


class Terminated(BaseException):
    """The run was asked to end (SIGTERM); no error, so that nothing handles it on the way."""
