"""Refusals of callers and addresses: keys, beta headers, versions and URLs (CONTRACT §7.1).

As in `errors`, the texts are the service's own.
"""

from __future__ import annotations

from harness.service.errors import MIGRATION_GUIDE, Refusal

API_KEYS_PAGE = "https://platform.openai.com/account/api-keys"


def no_api_key() -> Refusal:
    return Refusal(
        401,
        "You didn't provide an API key. You need to provide your API key in an Authorization header using "
        "Bearer auth (i.e. Authorization: Bearer YOUR_KEY), or as the password field (with blank username) if "
        "you're accessing the API from your browser and are prompted for a username and password. You can "
        f"obtain an API key from {API_KEYS_PAGE}.",
        headers={"www-authenticate": 'Bearer realm="OpenAI API"'},
    )


def wrong_api_key(key: str) -> Refusal:
    """Shows the first eight characters and the last four, and a star for each between (continuedev/continue#9634).

    A key of up to twelve characters, such as `undefined`, is shown whole (jas3333/GPT-Helper#26).
    """
    shown = f"{key[:8]}{'*' * (len(key) - 12)}{key[-4:]}" if len(key) > 12 else key
    return Refusal(
        401,
        f"Incorrect API key provided: {shown}. You can find your API key at {API_KEYS_PAGE}.",
        code="invalid_api_key",
        headers={"www-authenticate": 'Bearer realm="OpenAI API"'},
    )


def no_beta_header(version: str) -> Refusal:
    return Refusal(
        400,
        "You must provide the 'OpenAI-Beta' header to access the Assistants API. Please try again by setting "
        f"the header 'OpenAI-Beta: assistants={version}'.",
        code="invalid_beta",
    )


def unknown_beta(header: str) -> Refusal:
    """Shows the name without its version. That the known name `assistants` is shown with it is a guess (G)."""
    name = header.partition("=")[0]
    shown = header if name == "assistants" else name
    return Refusal(400, f"Unknown beta requested: '{shown}'.", code="invalid_beta")


def v1_deprecated() -> Refusal:
    return Refusal(
        400,
        "The v1 Assistants API has been deprecated. Please try again by setting the header 'OpenAI-Beta: "
        f"assistants=v2'. See the migration guide for more information: {MIGRATION_GUIDE}.",
        code="invalid_beta",
    )


def v1_path_deprecated() -> Refusal:
    return Refusal(
        400,
        f"The v1 Assistants API has been deprecated. See the migration guide for more information: {MIGRATION_GUIDE}.",
        code="invalid_beta",
    )


def unknown_url(method: str, path: str) -> Refusal:
    return Refusal(404, f"Invalid URL ({method} {path})")


def needs_session_key(method: str, path: str) -> Refusal:
    """For the list of threads: alexrudall/ruby-openai#390, openai-php/client#268, Lambdua/openai4j#16."""
    return Refusal(
        401,
        f"Your request to {method} {path} must be made with a session key (that is, it can only be made from the "
        "browser). You made it with the following key type: secret.",
        code="missing_scope",
    )
