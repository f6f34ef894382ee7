"""The texts of `--help`, read off the sources themselves so that they cannot go stale.

Nothing is imported to be described: stages, settings and their docstrings are read with `ast`,
groups by listing `conf/`. So help answers at once, whatever is installed.
"""

import ast
import difflib
import re
import textwrap
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from opencharacter.errors import ConfigError

PACKAGE = Path(__file__).parent
WIDTH = 100
ANY = "NAME"
"""Stands in a setting's key for a name that the user chooses."""

# In the order of the work; stages that are not named here come after, by name.
PIPELINE = (
    *("personas", "profiles", "instructions", "rewrite", "generate", "dialogues", "ingest"),
    *(
        "synth",
        "population",
        "mix",
        "export",
        "lint",
        "tokenize",
        "train",
        "play",
        "loss",
        "judge",
        "qualify",
        "report",
        "eval",
    ),
    *("compare", "all", "plan", "status", "chat", "serve", "bot"),
)

# What most people turn, in the order of the work; a test holds them against the dataclasses.
MOST_USED = (
    *("run", "runs_dir", "seed", "parts", "part", "force", "preview", "dry_run", "tracking"),
    *("personas.path", "personas.n", "personas.heldout"),
    *("instructions.paths", "instructions.n"),
    *("teacher.model", "teacher.tensor_parallel", "teacher.data_parallel", "teacher.base_url"),
    *("profiles.retries", "profiles.max_rejected", "generate.sampling.temperature"),
    *("generate.sampling.max_tokens", "synth.n_characters", "synth.methods"),
    *("player.model", "suite.path", "suite.n", "suite.run", "play.controls", "play.samples"),
    *("mix.n_characters", "mix.methods", "mix.n", "export.layout", "lint.path", "lint.fix"),
    *("train.model", "train.tuning", "train.check"),
    *("judge.rubrics", "judge.jury", "judge.against", "qualify.page", "loss.path"),
    *("report.runs", "report.criteria", "compare.runs", "compare.margin"),
)

_INTRO = """\
opencharacter: role-playing language models from large-scale synthetic personas.
A run is one configuration; a stage does one part of it, with records in runs/<run>/<stage>/.

usage: python -m opencharacter stage=STAGE run=NAME [section.setting=value ...] [group=option ...]
       (of the stage's own section the name is enough: stage=tokenize show=5 is tokenize.show=5)
       python -m opencharacter --help [SECTION]     every setting of a section, such as `generate`
       python -m opencharacter ... --cfg job        print the whole configuration and do nothing
       python -m opencharacter ... --config-dir X   find options in your folder X too
       python -m opencharacter --multirun ...       a job for each of `section.setting=a,b`

data:       stage=synth, which is personas -> profiles, instructions -> rewrite, generate; then mix
training:   tokenize -> train
evaluation: stage=eval, which is play (suite=, llm@player=) -> judge (llm@judge=) -> report; qualify
            tests a judge before, loss tells what was forgotten, compare sets runs side by side
"""

_EXAMPLES = """\
Examples
  python -m opencharacter stage=synth run=demo
  python -m opencharacter stage=synth run=mine personas=file personas.path=my/persona.jsonl \\
      'instructions.paths=[a.json,b.jsonl]' 'synth.methods=[rewrite,generate]'
  python -m opencharacter stage=synth run=paper experiment=paper/opencharacter_g
  python -m opencharacter stage=eval run=mine suite=profile_facts llm@player=trained player.run=mine
"""


class Setting(NamedTuple):
    """One field of a configuration dataclass."""

    key: str
    """Dotted, as it is written on the command line."""
    type: str
    """The annotation, with `null` for None and an enum's members for its name."""
    default: str
    """As it is written on the command line; `???` = must be given."""
    meaning: str
    """The docstring under the field, unit included, on one line."""


def conf_dir() -> Path:
    """Return the folder of YAML files: the packaged one, or the repository's in a checkout."""
    packaged = PACKAGE / "conf"
    return packaged if packaged.is_dir() else PACKAGE.parent / "conf"


@cache
def stages() -> dict[str, str]:
    """Return every stage with the first line of its docstring, in the order of the pipeline."""
    found = {
        path.stem: _first_line(path)
        for path in (PACKAGE / "stages").glob("*.py")
        if not path.stem.startswith("_")
    }
    known = [name for name in PIPELINE if name in found]
    return {name: found[name] for name in known + sorted(set(found) - set(known))}


def groups() -> dict[str, list[str]]:
    """Return the options of each group as `conf/` holds them; the default one comes first."""
    root = conf_dir()
    text = (root / "config.yaml").read_text(encoding="utf-8")
    chosen: dict[str, str] = dict(re.findall(r"^  - ([\w@]+): (\w+)", text, re.MULTILINE))
    return {group: _options(root / group.split("@")[0], chosen[group]) for group in chosen}


def settings(section: str = "") -> list[Setting]:
    """Return the settings of a section, nested ones too; the top level's own for the empty name.

    Raises:
        ConfigError: there is no such section.
    """
    own = _class_fields("Config")
    if not section:
        return [setting for setting in own if not _is_section(setting)]
    for setting in own:
        if setting.key == section and _is_section(setting):
            return _flatten(setting)
    raise ConfigError(
        f"there is no section '{section}'{suggest(section, sections())}; "
        f"sections: {', '.join(sections())}"
    )


def sections() -> list[str]:
    """Return the names of the sections of the configuration, in order."""
    return [setting.key for setting in _class_fields("Config") if _is_section(setting)]


def suggest(word: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)` for the known word that is nearest, or nothing."""
    names = list(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    near += [name for name in names if word and name.startswith(word)]
    return f" (did you mean '{near[0]}'?)" if near else ""


def homes(name: str) -> list[str]:
    """Return what a setting without its section may be: of `show` tokenize.show.

    Of a name that no section has, those of the nearest one.
    """
    keys = [setting.key for section in sections() for setting in settings(section)]
    names = [key.partition(".")[2] for key in keys]
    meant = name if name in names else "".join(difflib.get_close_matches(name, names, n=1))
    return [key for key, known in zip(keys, names, strict=True) if known == meant]


def with_section(overrides: Sequence[str]) -> list[str]:
    """Write out whose setting is meant where one of the stage's own stands without its section.

    `stage=tokenize show=5` is `stage=tokenize tokenize.show=5`. A name that the top level, a
    section or a group has keeps that meaning, and a sweep over stages has no stage of its own.

    Args:
        overrides: Those of the command line.
    """
    stage = [word.removeprefix("stage=") for word in overrides if word.startswith("stage=")][-1:]
    if not stage or stage[0] not in sections():
        return list(overrides)
    own = {setting.key.split(".")[1] for setting in settings(stage[0])}
    own -= {setting.key for setting in settings()} | {*sections(), *groups()}
    return [
        f"{stage[0]}.{word}" if re.split("[.=]", word, maxsplit=1)[0] in own else word
        for word in overrides
    ]


def overview() -> str:
    """Return the text of `--help`."""
    by_key = {setting.key: setting for name in ["", *sections()] for setting in settings(name)}
    used = [by_key[key] for key in MOST_USED if key in by_key]
    options = [(f"{group}=", " | ".join(names)) for group, names in groups().items()]
    return "\n".join(
        [
            _INTRO,
            "Stages",
            _table(list(stages().items())),
            "Settings used most, with their defaults (sections: " + ", ".join(sections()) + ")",
            _table([(f"{s.key}={s.default}", s.meaning or s.type) for s in used]),
            "Groups: files in conf/ that set several at once; the first is the default",
            _table(options),
            _EXAMPLES,
        ]
    )


def section_help(section: str) -> str:
    """Return every setting of a section, with type, default and unit.

    Raises:
        ConfigError: there is neither a section nor a stage of that name.
    """
    known = stages()
    head = f"stage={section}: {known[section]}\n\n" if section in known else ""
    if section in known and section not in sections():
        return f"{head}{_composite_help(section)}"
    rows = [(f"{s.key}={s.default}", f"{s.meaning} [{s.type}]") for s in settings(section)]
    note = [
        f"{group}= sets several at once: {' | '.join(names)}\n"
        for group, names in groups().items()
        if section == group.split("@")[-1]
    ]
    return "\n".join([f"{head}Settings of {section}, with their defaults", _table(rows), *note])


def _composite_help(stage: str) -> str:
    """Return what a stage without settings of its own does in turn, and whose settings those heed.

    A stage heeds a section where its file reads it.
    """
    parts = _parts(stage)
    if not parts:
        return "It has no settings of its own; see the top level in --help.\n"
    texts = {part: _stage_file(part).read_text(encoding="utf-8") for part in parts}
    heeded = {
        part: [name for name in sections() if re.search(rf"\bconfig\.{name}\b", texts[part])]
        for part in parts
    }
    mine = {name for names in heeded.values() for name in names}
    rows = [(part, f"{stages()[part]} Settings: {', '.join(heeded[part])}.") for part in parts]
    by_key = {setting.key: setting for name in sections() for setting in settings(name)}
    used = [by_key[key] for key in MOST_USED if key.partition(".")[0] in mine]
    options = [
        (f"{group}=", " | ".join(names))
        for group, names in groups().items()
        if group.split("@")[-1] in mine
    ]
    in_turn = f"{' -> '.join(parts)}, each a stage by itself"
    docstring = ast.get_docstring(ast.parse(_stage_file(stage).read_text(encoding="utf-8"))) or ""
    return "\n".join(
        [
            docstring.partition("\n\n")[2] + "\n",
            textwrap.fill(f"It has no settings of its own. It does {in_turn}:", WIDTH),
            _table(rows),
            f"Settings used most (all of a section: --help {parts[0]})",
            _table([(f"{s.key}={s.default}", s.meaning or s.type) for s in used]),
            "Groups: the first is the default",
            _table(options),
        ]
    )


def _parts(stage: str) -> list[str]:
    """Return the stages that a composite runs, composites taken apart; of others none."""
    text = _stage_file(stage).read_text(encoding="utf-8")
    called = re.findall(r"^ +(\w+)\.(?:run|make)\(config, job\)", text, re.MULTILINE)
    names = {alias: name for name, alias in re.findall(r"import (\w+) as (\w+)", text)}
    found = {names.get(name, name) for name in called} & stages().keys()
    parts = {part for name in found for part in _parts(name) or [name]}
    return [name for name in stages() if name in parts]


def _stage_file(stage: str) -> Path:
    return PACKAGE / "stages" / f"{stage}.py"


def _first_line(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0]


def _options(folder: Path, default: str) -> list[str]:
    names = sorted(
        path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml")
    )
    return sorted(names, key=lambda name: name != default)


@cache
def _classes() -> dict[str, ast.ClassDef]:
    trees = [
        ast.parse(f.read_text("utf-8"))
        for f in (PACKAGE / "records" / "data.py", *sorted((PACKAGE / "config").glob("*.py")))
    ]
    nodes = [node for tree in trees for node in tree.body]
    return {node.name: node for node in nodes if isinstance(node, ast.ClassDef)}


def _type(annotation: ast.expr) -> str:
    """Write a type for a reader: an enum becomes its members."""
    text = ast.unparse(annotation).replace("None", "null")
    for name, node in _classes().items():
        if any(isinstance(base, ast.Name) and base.id == "StrEnum" for base in node.bases):
            members = [s.targets[0] for s in node.body if isinstance(s, ast.Assign)]
            choice = " | ".join(ast.unparse(member) for member in members)
            text = re.sub(rf"\b{name}\b", choice, text)
    return text


def _class_fields(name: str) -> list[Setting]:
    """Read the fields of a dataclass, inherited ones first, as `dataclasses` orders them."""
    node = _classes()[name]
    inherited = [base.id for base in node.bases if isinstance(base, ast.Name)]
    fields = [field for base in inherited if base in _classes() for field in _class_fields(base)]
    following = [*node.body[1:], None]
    for statement, after in zip(node.body, following, strict=True):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            default = "???" if statement.value is None else _default(statement.value)
            type_ = _type(statement.annotation)
            fields.append(Setting(statement.target.id, type_, default, _text(after)))
    return list({field.key: field for field in fields}.values())  # the last definition counts


def _text(statement: ast.stmt | None) -> str:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        # On the command line None is written null.
        return re.sub(r"\bNone\b", "null", " ".join(str(statement.value.value).split()))
    return ""


def _default(value: ast.expr) -> str:
    """Write a default as the command line would: null, false, [a,b], {}, an enum's member."""
    match value:
        case ast.Constant(value=None):
            return "null"
        case ast.Constant(value=bool(truth)):
            return str(truth).lower()
        case ast.Constant(value=constant):
            return str(constant)
        case ast.Attribute(attr=member):
            return member
        case ast.List(elts=elements):
            return f"[{','.join(_default(element) for element in elements)}]"
        case ast.Call(keywords=[ast.keyword(arg="default_factory", value=ast.Lambda(body=body))]):
            return _default(body)
        case ast.Call(keywords=[ast.keyword(arg="default_factory", value=ast.Name(id=name))]):
            return {"list": "[]", "dict": "{}"}.get(name, name)
    return ast.unparse(value)


def _is_section(setting: Setting) -> bool:
    return setting.type in _classes() and setting.type.endswith("Config")


def _flatten(section: Setting) -> list[Setting]:
    flat: list[Setting] = []
    for setting in _class_fields(section.type):
        inner = setting._replace(key=f"{section.key}.{setting.key}")
        flat += _flatten(inner) if _is_section(inner) else [inner]
        named = re.fullmatch(r"dict\[str, (\w+Config)\]", inner.type)
        if named:
            flat += _flatten(Setting(f"{inner.key}.{ANY}", named[1], "", ""))
    return flat


def _table(rows: Sequence[tuple[str, str]]) -> str:
    """Lay out two columns; a left side that is too wide gets a line of its own."""
    left = min(max((len(row[0]) for row in rows), default=0), 34)
    lines: list[str] = []
    for name, text in rows:
        wrapped = textwrap.wrap(text, WIDTH - left - 4, break_on_hyphens=False) or [""]
        if len(name) > left:
            lines.append(f"  {name}")
        else:
            lines.append(f"  {name:<{left}}  {wrapped.pop(0)}".rstrip())
        lines += [f"  {'':<{left}}  {line}" for line in wrapped]
    return "\n".join(lines) + "\n"
