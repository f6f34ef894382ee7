"""Where the project's data on evaluation is: `eval/`, in the checkout or in the package."""

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def project_eval_dir() -> Path:
    """Return the folder of suites, templates and rubrics."""
    packaged = _PACKAGE / "eval_data"
    return packaged if packaged.is_dir() else _PACKAGE.parent / "eval"
