import json
import time
import unittest
from pathlib import Path
from typing import Any, Dict, List, Literal, Mapping, Optional, Sequence, Union, get_type_hints

from generation_service import ApiError, ConnectionFailedError, WebhookVerificationError, sign_request, types, verify_webhook
from generation_service._requests import digest_of
from generation_service._retry import Retries, retry_after_seconds

ROOT = Path(__file__).parents[3]


def vectors(name):
    return json.loads((ROOT / "test/vectors" / name).read_text())


class Signing(unittest.TestCase):
    def test_vectors(self):
        for each in vectors("signed-request-vectors.json"):
            digest = digest_of(each["body"].encode())
            headers = sign_request(each["key"], each["method"], each["target"], digest, each["timestamp"])
            self.assertEqual(headers["X-Signature"], each["signature"], each["name"])

    def test_webhooks(self):
        known = vectors("other-vectors.json")["webhook"]
        headers = {
            "Webhook-Id": known["webhook_id"],
            "Webhook-Timestamp": str(known["webhook_timestamp"]),
            "Webhook-Signature": known["webhook_signature"],
        }
        body, secret, ever = known["body"].encode(), known["secret"], float("inf")
        self.assertEqual(verify_webhook(headers, body, secret, ever).event, json.loads(body))
        self.assertEqual(verify_webhook(headers, body, ["whsec_YW5vdGhlcg==", secret], ever).id, "msg_2b1f")
        for wrong in [
            (headers, body + b" ", secret, ever),
            (headers, body, "whsec_YW5vdGhlcg==", ever),
            (headers, body, secret, 300),
            ({**headers, "Webhook-Id": "msg_other"}, body, secret, ever),
            ({}, body, secret, ever),
        ]:
            with self.assertRaises(WebhookVerificationError):
                verify_webhook(*wrong)


class Retrying(unittest.TestCase):
    def test_what_is_tried_again(self):
        rules = Retries(3)
        for error in [ConnectionFailedError("reset"), ApiError(429, {"code": "RATE_LIMITED"}), ApiError(502, {})]:
            self.assertGreater(rules.pause_before(1, error), 0)
            self.assertIsNone(rules.pause_before(4, error))
        for error in [ApiError(403, {"code": "INVALID_SIGNATURE"}), ApiError(502, {"code": "OPENAI_API_ERROR"}), KeyError()]:
            self.assertIsNone(rules.pause_before(1, error))

    def test_never_sooner_than_asked(self):
        busy = ApiError(429, {"code": "RATE_LIMITED"}, 17)
        self.assertGreaterEqual(Retries().pause_before(1, busy, 0), 17)
        self.assertIsNone(Retries(longest_pause=16).pause_before(1, busy))
        self.assertEqual(retry_after_seconds("30"), 30)
        self.assertIsNone(retry_after_seconds("soon"))
        self.assertLess(retry_after_seconds("Thu, 01 Jan 2026 00:00:10 GMT"), time.time())


class Types(unittest.TestCase):
    """Each type of the wire is what the schema of its name in openapi.json says."""

    schemas = json.loads((ROOT / "openapi.json").read_text())["components"]["schemas"]
    inputs = {"Photo", "Lot", "GenerateDescriptionsRequest", "RetryRequest", "PhotoCheckRequest"}
    #: Schemas of routes that the client has no method for: the older service's, deliveries, probes.
    others = ("Legacy", "Delivery", "Attempt", "Replay", "Ping", "Liveness", "Readiness")

    def test_types_are_the_schemas(self):
        names = [name for name, each in vars(types).items() if hasattr(each, "__required_keys__") and name[0] != "_"]
        wanted = {name[: -len("Dto")] for name in self.schemas if not name.startswith(self.others)}
        self.assertEqual({"Error" if name == "ErrorAnswer" else name for name in names}, wanted)
        for name in names:
            schema = self.schemas["ErrorDto" if name == "ErrorAnswer" else f"{name}Dto"]
            with self.subTest(name):
                declared = getattr(types, name)
                members = {key: self.type_of(value, name in self.inputs) for key, value in schema["properties"].items()}
                self.assertEqual(get_type_hints(declared), members)
                self.assertEqual(declared.__required_keys__, set(schema.get("required", [])))

    def type_of(self, schema: Dict[str, Any], given: bool) -> Any:
        plain = self.plain_type(schema, given)
        return Optional[plain] if schema.get("nullable") else plain

    def plain_type(self, schema: Dict[str, Any], given: bool) -> Any:
        if "$ref" in schema:
            name = schema["$ref"].split("/")[-1]
            return get_type_of(name)
        for word in ("allOf", "oneOf", "anyOf"):
            if word in schema:
                return Union[tuple(self.type_of(each, given) for each in schema[word])]
        if "enum" in schema:
            return Literal[tuple(schema["enum"])]
        if schema["type"] == "array":
            return (Sequence if given else List)[self.type_of(schema["items"], given)]
        if schema["type"] == "object":
            values = schema.get("additionalProperties")
            text = isinstance(values, dict) and values.get("type") == "string"
            return (Mapping if given else Dict)[str, str if text else Any]
        return {"string": str, "integer": int, "number": float, "boolean": bool}[schema["type"]]


def get_type_of(schema_name: str) -> Any:
    return getattr(types, schema_name[: -len("Dto")])


if __name__ == "__main__":
    unittest.main()
