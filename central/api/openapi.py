"""The OpenAPI 3.1 document, made from the table of endpoints. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from central.api.answers import ErrorAnswer
from central.api.endpoints import Endpoint

Document = dict[str, Any]
_COMPONENT = "#/components/schemas/{name}"
_PLACE = re.compile(r"\{(\w+)(?::(\w+))?\}")
_DENIED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def document(endpoints: Sequence[Endpoint], prefix: str) -> Document:
    """Describe every endpoint."""
    types: list[Any] = [ErrorAnswer]
    types += [endpoint.answer for endpoint in endpoints if endpoint.answer is not None]
    types += [endpoint.body for endpoint in endpoints if isinstance(endpoint.body, type)]
    schemas, components = msgspec.json.schema_components(types, ref_template=_COMPONENT)
    by_type = {str(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    paths: dict[str, Document] = {}
    for endpoint in endpoints:
        path = prefix + _PLACE.sub(r"{\1}", endpoint.path)
        paths.setdefault(path, {})[endpoint.method.lower()] = _operation(endpoint, by_type)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Kakou hub",
            "version": "1",
            "description": "Unattended truck lanes of road ports. Within v1 only additions.",
        },
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "kakou_session"},
            },
        },
    }


def _operation(endpoint: Endpoint, by_type: dict[str, Document]) -> Document:
    error = {"application/json": {"schema": by_type[str(ErrorAnswer)]}}
    answers: Document = {str(int(endpoint.status)): _answer(endpoint, by_type)}
    for status in (*_DENIED, *endpoint.errors):
        answers[str(int(status))] = {"description": status.phrase, "content": error}
    operation: Document = {
        "operationId": endpoint.handler.__name__,
        "summary": endpoint.summary,
        "description": f"Takes the role {endpoint.role.value}.",
        "parameters": [*_places(endpoint.path), *_queries(endpoint)],
        "responses": answers,
    }
    if endpoint.body is not None:
        operation["requestBody"] = {"required": True, "content": _body(endpoint, by_type)}
    return operation


def _answer(endpoint: Endpoint, by_type: dict[str, Document]) -> Document:
    if endpoint.answer is None:
        content: Document = {"image/jpeg": {}}
    else:
        content = {"application/json": {"schema": by_type[str(endpoint.answer)]}}
    return {"description": endpoint.status.phrase, "content": content}


def _body(endpoint: Endpoint, by_type: dict[str, Document]) -> Document:
    if isinstance(endpoint.body, type):
        return {"application/json": {"schema": by_type[str(endpoint.body)]}}
    return {media: {} for media in str(endpoint.body).split(" or ")}


def _places(path: str) -> list[Document]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "integer" if kind == "int" else "string"},
        }
        for name, kind in _PLACE.findall(path)
    ]


def _queries(endpoint: Endpoint) -> list[Document]:
    return [
        {
            "name": parameter.name,
            "in": "query",
            "description": parameter.description,
            "schema": {"type": parameter.schema},
        }
        for parameter in endpoint.parameters
    ]
