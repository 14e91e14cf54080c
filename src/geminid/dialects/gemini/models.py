"""The `Model` resource, as `models.list` and `models.get` give it (gemini.md section 1.1)."""

from collections.abc import Iterable
from typing import Final

from geminid.catalog import Model
from geminid.dialects.gemini.tree import Tree

_SAMPLING: Final = {
    "temperature": "temperature",
    "topP": "top_p",
    "topK": "top_k",
    "maxTemperature": "max_temperature",
}


def write_model(
    name: str, model: Model | None, *, methods: Iterable[str], input_limit: int | None = None
) -> Tree:
    """What is known of `name`; of a model that the catalog does not know, little.

    `methods` are those this server has; `input_limit` is the serving channel's own, if it differs.
    """
    tree: Tree = {"name": f"models/{name}"}
    served = list(methods)
    if model is None:
        tree["displayName"] = name
    else:
        tree |= {
            "version": model.version,
            "displayName": model.display_name,
            "description": model.description,
            "inputTokenLimit": model.input_limit,
            "outputTokenLimit": model.output_limit,
        }
        served = [method for method in served if method in model.methods]
    if input_limit is not None:
        tree["inputTokenLimit"] = input_limit
        if model is not None:
            tree["outputTokenLimit"] = min(model.output_limit, input_limit)
    tree["supportedGenerationMethods"] = served
    if model is not None:
        values = {theirs: getattr(model, ours) for theirs, ours in _SAMPLING.items()}
        tree |= {key: value for key, value in values.items() if value is not None}
        if model.thinking:
            tree["thinking"] = True
    return tree
