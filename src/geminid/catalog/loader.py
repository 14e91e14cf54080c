"""From `models.toml` to a catalog that holds together."""

import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources

import msgspec

from geminid.catalog.model import Catalog, Model


class CatalogError(ValueError):
    """The catalog's file is wrong; the message names the entry and what to mend."""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    """The file's outline; entries stay plain until the defaults of their kind are under them."""

    model: list[dict[str, object]]
    defaults: dict[str, dict[str, object]] = {}


def load() -> Catalog:
    """Read the catalog that this package carries.

    Raises:
        CatalogError: the file is wrong, which the tests rule out for a released package.
    """
    return parse(resources.files("geminid.catalog").joinpath("models.toml").read_text("utf-8"))


def parse(text: str) -> Catalog:
    """Make a catalog of TOML in the form of `models.toml`.

    Raises:
        CatalogError: not TOML, an unknown, missing or mistyped field, or entries that do not fit
            together.
    """
    try:
        file = msgspec.convert(tomllib.loads(text), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise CatalogError(f"The model catalog cannot be read: {error}") from error
    models = tuple(_model(entry, file.defaults, place) for place, entry in enumerate(file.model, 1))
    names = _names(models)
    for model in models:
        for problem in _problems(model, names):
            raise CatalogError(f"Model {model.id}: {problem}")
    return Catalog(models, names)


def _model(
    entry: dict[str, object], defaults: Mapping[str, Mapping[str, object]], place: int
) -> Model:
    try:
        return msgspec.convert({**defaults.get(str(entry.get("kind")), {}), **entry}, Model)
    except msgspec.ValidationError as error:
        raise CatalogError(f"Model {entry.get('id', f'number {place}')}: {error}") from error


def _names(models: tuple[Model, ...]) -> dict[str, Model]:
    names: dict[str, Model] = {}
    for model in models:
        for name in (model.id, *model.aliases):
            if name in names:
                raise CatalogError(f"Model {model.id}: {names[name].id} has the name {name} too")
            names[name] = model
    return names


def _problems(model: Model, names: Mapping[str, Model]) -> Iterator[str]:
    if model.successor is not None and model.successor not in names:
        yield f"its successor {model.successor} is not in the catalog"
    elif _circles(model, names):
        yield "its successors lead in a circle"
    if model.released and model.retired and model.retired < model.released:
        yield f"retired on {model.retired}, before it was released"
    if model.default_level is not None and model.default_level not in model.thinking_levels:
        yield f"its default level {model.default_level} is not one of its levels"
    if model.thinking_levels and not (model.thinking and model.default_level):
        yield "has thinking levels, but does not think or has no default level"
    for field in model.unsure:
        if field not in Model.__struct_fields__:
            yield f"is unsure of {field}, which is no field"


def _circles(model: Model, names: Mapping[str, Model]) -> bool:
    seen = {model.id}
    while after := names.get(model.successor or ""):  # a gap further on is told where it is
        model = after
        if model.id in seen:
            return True
        seen.add(model.id)
    return False
