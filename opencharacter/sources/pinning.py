"""Which commit of a hub data set is read: settled before the first row, and written down.

A name without a revision means something else tomorrow; a tag can be moved. So what is read is the
commit that the name stands for when reading begins, in every pass.
"""

from collections.abc import MutableMapping

from opencharacter.sources.rows import hub_commit, open_source

NOT_KNOWN = "not known"
"""In place of a commit that neither the hub nor its cache tells."""
_HUB = "hub:"


def pinned(path: str, revision: str | None, read_from: MutableMapping[str, str]) -> str:
    """Return the path at the commit that it stands for now; of what is no hub data set, itself.

    Args:
        path: Of a source.
        revision: Commit or tag, unless the path names one.
        read_from: Gets what is to be recorded: the commit by the path, or `NOT_KNOWN`.

    Raises:
        SourceError: the path names no data set, or the hub's library is not installed.
    """
    if not path.startswith(_HUB):
        return path
    _, _, asked = open_source(path, revision=revision).files[0].hub
    commit = hub_commit(path, asked)
    read_from[path] = commit or NOT_KNOWN
    name = path.partition("@")[0]
    at = commit or asked
    return f"{name}@{at}" if at else name
