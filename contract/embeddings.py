"""The body of `POST /v1/embeddings`, parsed and checked once, the same way everywhere."""

from dataclasses import dataclass, replace
from typing import Literal

import orjson

from contract import errors
from contract.errors import ApiError
from contract.limits import INSTRUCTION_CHARACTERS_MAX, ITEMS_MAX

Encoding = Literal["float", "base64"]

Truncation = Literal["none", "head", "tail"]
"""Which end of an input that is too long is cut; with `none` it is refused."""


@dataclass(frozen=True, slots=True)
class Query:
    """What makes texts queries: the model's prompt, with this task or, without one, its own."""

    instruction: str | None


@dataclass(frozen=True, slots=True)
class Texts:
    """Inputs to tokenise; a `query`'s are put into the model's prompt before."""

    items: tuple[str, ...]
    query: Query | None = None


@dataclass(frozen=True, slots=True)
class TokenIds:
    """Inputs that the client tokenised with the served model's vocabulary."""

    items: tuple[tuple[int, ...], ...]


Inputs = Texts | TokenIds


@dataclass(frozen=True, slots=True)
class EmbeddingsRequest:
    """A body whose every field has the right type; limits of the model are not checked yet."""

    model: str
    inputs: Inputs
    encoding: Encoding
    dimensions: int | None
    truncate: Truncation = "none"


def parse_embeddings(body: bytes) -> EmbeddingsRequest | ApiError:
    """Parse a request's body. Unknown fields are ignored, as OpenAI ignores them."""
    fields = _parse_object(body)
    if isinstance(fields, ApiError):
        return fields
    if isinstance(model := _parse_model(fields), ApiError):
        return model
    if isinstance(inputs := _parse_input(fields), ApiError):
        return inputs
    if isinstance(encoding := _parse_encoding(fields.get("encoding_format")), ApiError):
        return encoding
    if isinstance(dimensions := _parse_dimensions(fields.get("dimensions")), ApiError):
        return dimensions
    user = fields.get("user")
    if user is not None and not isinstance(user, str):
        return errors.invalid_parameter("user", "Expected a string")
    if isinstance(inputs := _add_query(inputs, fields), ApiError):
        return inputs
    if isinstance(truncate := _parse_truncate(fields.get("truncate")), ApiError):
        return truncate
    return EmbeddingsRequest(model, inputs, encoding, dimensions, truncate)


def _parse_object(body: bytes) -> dict[str, object] | ApiError:
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        return errors.invalid_json()
    return fields if isinstance(fields, dict) else errors.invalid_json()


def _parse_model(fields: dict[str, object]) -> str | ApiError:
    model = fields.get("model")
    if model is None:
        return errors.missing_parameter("model")
    if not isinstance(model, str):
        return errors.invalid_parameter("model", "Expected a string")
    if not model:
        return errors.missing_parameter("model")
    return model


def _parse_input(fields: dict[str, object]) -> Inputs | ApiError:
    match fields.get("input"):
        case None:
            return errors.missing_parameter("input")
        case str(text):
            return Texts((text,)) if text else _empty_input()
        case []:
            return _empty_input()
        case list(items) if _is_token_list(items):
            # A flat list of integers is one input, and bounded by the model's context instead.
            return TokenIds((tuple(items),))
        case list(items):
            return _parse_items(items)
        case _:
            return errors.invalid_parameter(
                "input", "Expected a string, an array of strings, or arrays of token ids"
            )


def _empty_input() -> ApiError:
    return errors.invalid_parameter("input", "Must not be empty")


def _parse_items(items: list[object]) -> Inputs | ApiError:
    if len(items) > ITEMS_MAX:
        return errors.invalid_parameter(
            "input", f"Array too long: {len(items)} items, maximum {ITEMS_MAX}"
        )
    texts: list[str] = []
    arrays: list[tuple[int, ...]] = []
    for index, item in enumerate(items):
        if item in ("", []):
            return errors.invalid_parameter("input", f"Item {index} must not be empty")
        if isinstance(item, str):
            texts.append(item)
        elif isinstance(item, list) and _is_token_list(item):
            arrays.append(tuple(item))
        else:
            return errors.invalid_parameter(
                "input", f"Item {index} must be a string or an array of token ids"
            )
    if texts and arrays:
        return errors.invalid_parameter("input", "Strings and token ids cannot be mixed")
    return Texts(tuple(texts)) if texts else TokenIds(tuple(arrays))


def _is_token_list(items: list[object]) -> bool:
    return set(map(type, items)) == {int}  # bool is an int, and no token id; [] is no list of ids


def _parse_encoding(value: object) -> Encoding | ApiError:
    match value:
        case None | "float":
            return "float"
        case "base64":
            return "base64"
        case _:
            return errors.invalid_parameter("encoding_format", "Expected 'float' or 'base64'")


def _parse_dimensions(value: object) -> int | ApiError | None:
    if value is None:
        return None
    if type(value) is not int:
        return errors.invalid_parameter("dimensions", "Expected an integer")
    if value < 1:
        return errors.invalid_parameter("dimensions", f"{value} is less than the minimum of 1")
    return value


def _add_query(inputs: Inputs, fields: dict[str, object]) -> Inputs | ApiError:
    query = _parse_query(fields.get("input_type"), fields.get("instruction"))
    if query is None or isinstance(query, ApiError):
        return inputs if query is None else query
    if isinstance(inputs, TokenIds):
        # A prompt and a text share tokens where they meet, so ids of the text alone do not fit it.
        return errors.invalid_parameter(
            "input",
            "Token ids cannot be put into a prompt: send text, or the ids of prompt and text "
            "together without input_type and instruction",
        )
    return replace(inputs, query=query)


def _parse_query(input_type: object, instruction: object) -> Query | ApiError | None:
    if input_type not in (None, "query", "document"):
        return errors.invalid_parameter("input_type", "Expected 'query' or 'document'")
    match instruction:
        case None:
            return Query(None) if input_type == "query" else None
        case "":
            return errors.invalid_parameter("instruction", "Must not be empty")
        case str() if len(instruction) > INSTRUCTION_CHARACTERS_MAX:
            length = f"{len(instruction)} characters, maximum {INSTRUCTION_CHARACTERS_MAX}"
            return errors.invalid_parameter("instruction", f"Text too long: {length}")
        case str() if input_type == "document":
            return errors.invalid_parameter("instruction", "Documents are embedded without one")
        case str():
            return Query(instruction)
        case _:
            return errors.invalid_parameter("instruction", "Expected a string")


def _parse_truncate(value: object) -> Truncation | ApiError:
    match value:
        case None | "none":
            return "none"
        case "head" | "tail":
            return value
        case _:
            return errors.invalid_parameter("truncate", "Expected 'none', 'head' or 'tail'")
