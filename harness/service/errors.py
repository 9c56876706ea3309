"""Every refusal the service gives, one constructor each. Those of callers and addresses are in `access`, of states and
locks in `conflicts`, of incompatible settings in `incompatible`, of content types in `media`, of Azure's gateway in
`dialects`.

Texts, types, codes and params are the service's own (CONTRACT §3, §4, §6, §7). A constructor whose text is not
recorded says so. Handlers contain no texts of refusals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

INVALID_REQUEST = "invalid_request_error"
MIGRATION_GUIDE = "https://platform.openai.com/docs/assistants/migration"


class Refusal(Exception):  # noqa: N818 - an answer of the service, not an error of this program
    """An HTTP answer of 400 or more. A refused request has changed nothing in the store."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = INVALID_REQUEST,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.type = type
        self.param = param
        self.code = code
        self.headers = headers or {}

    def envelope(self) -> dict[str, object]:
        """The body: always the same four keys in this order, nulls kept (FACTS B)."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


def _quoted_list(values: Iterable[object], word: str = "and") -> str:
    """`'a'`, `'a' and 'b'`, `'a', 'b', and 'c'`: how the service lists supported values."""
    quoted = [f"'{value}'" for value in values]
    if len(quoted) < 3:
        return f" {word} ".join(quoted)
    return ", ".join(quoted[:-1]) + f", {word} " + quoted[-1]


# --- bodies and queries (CONTRACT §6, §7.1) -----------------------------------------------------------------


def not_json() -> Refusal:
    """The text is recalled, not recorded (CONTRACT §7.1, M)."""
    return Refusal(
        400,
        "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP "
        "library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON. If you "
        "have trouble figuring out how to fix this, please contact us through our help center at help.openai.com.)",
    )


def missing_parameter(param: str) -> Refusal:
    return Refusal(400, f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter")


def unknown_parameter(param: str) -> Refusal:
    return Refusal(400, f"Unknown parameter: '{param}'.", param=param, code="unknown_parameter")


def invalid_type(param: str, expected: str, got: str) -> Refusal:
    """`expected` and `got` carry their articles: `a string`, `an object`, `null`."""
    return Refusal(
        400,
        f"Invalid type for '{param}': expected {expected}, but got {got} instead.",
        param=param,
        code="invalid_type",
    )


def one_of(values: Iterable[object]) -> str:
    """What `invalid_type` says was expected where only some values are valid: `one of 'a', 'b', or 'c'`."""
    return f"one of {_quoted_list(values, 'or')}"


def invalid_value(param: str, value: object, supported: Iterable[object]) -> Refusal:
    return Refusal(
        400,
        f"Invalid value: '{value}'. Supported values are: {_quoted_list(supported)}.",
        param=param,
        code="invalid_value",
    )


def string_too_long(param: str, limit: int, length: int) -> Refusal:
    return Refusal(
        400,
        f"Invalid '{param}': string too long. Expected a string with maximum length {limit}, but got a string "
        f"with length {length} instead.",
        param=param,
        code="string_above_max_length",
    )


def string_too_short(param: str) -> Refusal:
    return Refusal(
        400,
        f"Invalid '{param}': empty string. Expected a string with minimum length 1, but got an empty string instead.",
        param=param,
        code="empty_string",
    )


def array_too_long(param: str, limit: int, length: int) -> Refusal:
    return Refusal(
        400,
        f"Invalid '{param}': array too long. Expected an array with maximum length {limit}, but got an array "
        f"with length {length} instead.",
        param=param,
        code="array_above_max_length",
    )


def array_empty(param: str) -> Refusal:
    return Refusal(
        400,
        f"Invalid '{param}': empty array. Expected an array with minimum length 1, but got an empty array instead.",
        param=param,
        code="empty_array",
    )


def too_many_properties(param: str, limit: int, count: int) -> Refusal:
    return Refusal(
        400,
        f"Invalid '{param}': too many properties. Expected an object with at most {limit} properties, but got "
        f"an object with {count} properties instead.",
        param=param,
        code="object_above_max_properties",
    )


def property_name_too_long(param: str, name: str, limit: int) -> Refusal:
    """`param` ends with the name, of which the text shows only both ends (seen on a sibling endpoint)."""
    parent = param.removesuffix(f".{name}")
    return Refusal(
        400,
        f"Invalid property name in '{parent}': '{name[:3]}...{name[-3:]}' is too long. Expected a string with "
        f"maximum length {limit}, but got a string with length {len(name)} instead.",
        param=param,
        code="property_name_above_max_length",
    )


def pattern_mismatch(param: str, pattern: str) -> Refusal:
    return Refusal(
        400,
        f"Invalid '{param}': string does not match pattern. Expected a string that matches the pattern '{pattern}'.",
        param=param,
        code="invalid_value",
    )


def out_of_range(param: str, *, kind: str, comparison: str, limit: object, got: object) -> Refusal:
    """`kind` is `integer` or `decimal`; `comparison` is `<=` or `>=`."""
    side, code = ("above maximum", "above_max") if comparison == "<=" else ("below minimum", "below_min")
    return Refusal(
        400,
        f"Invalid '{param}': {kind} {side} value. Expected a value {comparison} {limit}, but got {got} instead.",
        param=param,
        code=f"{kind}_{code}_value",
    )


def mutually_exclusive(first: str, second: str) -> Refusal:
    """The text is that of a sibling endpoint; it is not recorded for these."""
    return Refusal(
        400,
        f"Mutually exclusive parameters: '{first}' and '{second}'. Ensure you are only providing one of: "
        f"'{first}' or '{second}'.",
        code="mutually_exclusive_parameters",
    )


def v1_schema(problems: Iterable[tuple[str, str]]) -> Refusal:
    """The v1 API showed its validator's own report: one `location`, one indented text per problem."""
    listed = [f"{location}\n  {text}" for location, text in problems]
    noun = "error" if len(listed) == 1 else "errors"
    return Refusal(400, f"{len(listed)} validation {noun} for Request\n" + "\n".join(listed))


# --- tools --------------------------------------------------------------------------------------------------


def no_retrieval() -> Refusal:
    return Refusal(400, "Retrieval tools are not supported.")


def function_named_twice(index: int) -> Refusal:
    """Text and param are those of dotnet/extensions#6743, August 2025."""
    return Refusal(400, "Function tools must have unique names.", param=f"tools[{index}]")


def invalid_function_schema(index: int, name: str, root: object) -> Refusal:
    """As in TheoKanning/openai-java#407 and Lambdua/openai4j#83; param and code are those of other APIs (G)."""
    return Refusal(
        400,
        f"Invalid schema for function '{name}': schema must be a JSON Schema of 'type: \"object\"', "
        f"got 'type: \"{root}\"'.",
        param=f"tools[{index}].function.parameters",
        code="invalid_function_parameters",
    )


def outputs_too_large() -> Refusal:
    """VRSEN/agency-swarm-lab#39, December 2024."""
    return Refusal(
        400,
        "'tool_outputs' too large: the combined tool outputs must be less than 512kb.",
        param="tool_outputs",
        code="invalid_value",
    )


# --- ids and objects (CONTRACT §7.1) ------------------------------------------------------------------------


def malformed_id(param: str, value: str, expected: str) -> Refusal:
    """`expected` completes the sentence "Expected an ID that …"."""
    return Refusal(
        400, f"Invalid '{param}': '{value}'. Expected an ID that {expected}.", param=param, code="invalid_value"
    )


def not_found(noun: str, object_id: str) -> Refusal:
    """`noun` is assistant, thread, run, run step, message, message file, assistant file or file."""
    return Refusal(404, f"No {noun} found with id '{object_id}'.")


def no_such_file(file_id: str) -> Refusal:
    return Refusal(404, f"No such File object: {file_id}", param="id")


def no_such_vector_store(store_id: str, *, status: int) -> Refusal:
    """404 on the vector store's own path, 400 where a body names it (CONTRACT §7.1)."""
    return Refusal(status, f"Vector store with id ['{store_id}'] not found.")


def no_such_store_file(file_id: str, store_id: str) -> Refusal:
    """As reported in 2025: mkdev-me/terraform-provider-openai#35."""
    return Refusal(404, f"No file found with id '{file_id}' in vector store '{store_id}'.")


def no_such_files(file_ids: Iterable[str]) -> Refusal:
    """Files that a body on a vector store's path names (CONTRACT §7.1)."""
    return Refusal(404, f"Files [{', '.join(file_ids)}] were not found")


def no_such_model(model: str) -> Refusal:
    """For `GET /models/{model}`: the text the SDK's own documentation shows; not in the recordings."""
    return Refusal(404, f"The model '{model}' does not exist", param="model", code="model_not_found")


def model_not_in_v1(model: str) -> Refusal:
    return Refusal(
        400,
        f"The requested model '{model}' cannot be used with the Assistants API in v1. Follow the migration guide to "
        f"upgrade to v2: {MIGRATION_GUIDE}.",
        param="model",
        code="unsupported_model",
    )


# --- files (CONTRACT §1.5, §7.1) ----------------------------------------------------------------------------


def invalid_purpose(purpose: str, supported: Iterable[str]) -> Refusal:
    return Refusal(400, f"'{purpose}' is not one of {list(supported)!r} - 'purpose'", param="purpose")


def missing_form_field(name: str) -> Refusal:
    return Refusal(400, f"'{name}' is a required property")


def unknown_form_fields(names: Sequence[str]) -> Refusal:
    """In jsonschema's words, as this form's other refusals: Azure/azure-sdk-for-net#44039. Several: a guess (G)."""
    listed = ", ".join(map(repr, names)) + (" was" if len(names) == 1 else " were")
    return Refusal(400, f"Additional properties are not allowed ({listed} unexpected)")


def empty_file() -> Refusal:
    return Refusal(400, "File is empty.", param="file")


def file_too_large() -> Refusal:
    """The text for a batch file over 200 MB (bespokelabsai/curator#111); that it is the same for every file over its
    limit is a guess (CONTRACT §7.1, G)."""
    return Refusal(400, "File is too large.")


def not_downloadable(purpose: str) -> Refusal:
    return Refusal(400, f"Not allowed to download files of purpose: {purpose}")


def invalid_extension(extension: str, supported: Iterable[str]) -> Refusal:
    """CONTRACT §7.1; the quotes are those of openai/openai-dotnet#270."""
    formats = ", ".join(f'"{each}"' for each in supported)
    return Refusal(400, f"Invalid extension {extension}. Supported formats: {formats}")


def not_searchable(extensions: Iterable[str]) -> Refusal:
    """For a message's attachments (CONTRACT §7.1). `param` and `code` are in RageAgainstThePixel/OpenAI-DotNet#454;
    a name without an extension is called `none` in openai/openai-python#1511.

    Vector stores were reported to refuse such files too (openai/openai-python#1379 and #1511, src#2725763217). Here
    they fail in the store instead, as in CONTRACT §7.1 and openai/openai-openapi#300.
    """
    return Refusal(
        400,
        f"Files with extensions [{', '.join(extensions)}] are not supported for retrieval. See "
        "https://platform.openai.com/docs/assistants/tools/file-search/supported-files",
        param="file_ids",
        code="unsupported_file",
    )


def vector_store_full(store_id: str, most: int) -> Refusal:
    """The limit is documented, its text is not recorded (CONTRACT §8, G)."""
    return Refusal(400, f"Vector store {store_id} has reached the maximum number of {most} files.")
