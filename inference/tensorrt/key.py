"""What an engine depends on: two that have all of it in common are the same."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any, Self

import orjson

from inference.tensorrt.build import Recipe
from inference.tensorrt.compiler import Identity, Profile
from inference.tensorrt.graph_file import GraphFile
from inference.tensorrt.profiles import make_profiles
from inference.variant import Form, Precision

_DIGEST_LENGTH = 16


@dataclass(frozen=True, slots=True)
class EngineKey:
    """All that goes into an engine; `graph` is the digest of its file, `revision` the weights'."""

    identity: Identity
    revision: str
    precision: Precision
    form: Form
    profiles: tuple[Profile, ...]
    graph: str

    @classmethod
    def of(cls, identity: Identity, recipe: Recipe, graph: GraphFile) -> Self:
        """Name what a recipe comes to with a compiler.

        Raises:
            CompileError: there are no profiles for it.
        """
        profiles = make_profiles(recipe.form, recipe.buckets, graph.positions)
        return cls(
            identity, recipe.revision, recipe.precision, recipe.form, tuple(profiles), graph.sha256
        )

    @property
    def digest(self) -> str:
        """Return the same text for the same key, another for any other."""
        content = orjson.dumps(self.fields(), option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(content).hexdigest()[:_DIGEST_LENGTH]

    def fields(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)
