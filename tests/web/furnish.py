"""What the pictures of the guides show beside the samples, made once over the API.

    python -m tests.web.furnish http://127.0.0.1:8000 examiner=KEY agent=KEY steward=KEY partner=KEY

The keys are of the office EP, `partner` is a steward of DE. An agreement between the two with its
conversation and a package, a delivery with faults, and what an examiner keeps.
"""

from __future__ import annotations

import base64
import hashlib
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from api.exchange.signatures import sign
from tests.exchange.certificates import Holder, holder

FAULTY = Path(__file__).resolve().parents[2] / "samples" / "deliveries" / "50-ep-faulty"
TERMS = {"tier": "content", "groups": ["full-text", "images", "legal-status"], "purposes": ["examination"],
         "collections": ["de-trademark-default"]}  # fmt: skip
PATIENCE_S = 120
Call = Callable[..., Any]


def caller(base: str, key: str) -> Call:
    client = httpx.Client(base_url=f"{base}/v1", headers={"authorization": f"Bearer {key}"}, timeout=60)

    def call(method: str, path: str, **options: Any) -> Any:
        answer = client.request(method, path, **options)
        if answer.is_error:
            raise SystemExit(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer if path.endswith("/document") else answer.json() if answer.content else None

    return call


def furnish(base: str, keys: Mapping[str, str]) -> None:
    as_ = {role: caller(base, key) for role, key in keys.items()}
    keep(as_["examiner"])
    deliver(as_["agent"])
    agree(as_["partner"], as_["steward"])
    record = found(as_["examiner"], "electrolyte", "patent")
    as_["examiner"]("POST", "/error-reports", json={
        "record": record, "field": "title", "text": "The English title lacks the word electrolyte."})  # fmt: skip
    as_["examiner"]("POST", "/feedback", json={"text": "The family tree helps a lot.", "page": "/"})


def found(call: Call, query: str, right: str) -> str:
    hits = call("GET", "/search", params={"q": query, "right": right, "size": 5})["hits"]
    return str(next(hit["id"] for hit in hits if hit["id"]))


def keep(call: Call) -> None:
    for query, right in (("electrolyte", "patent"), ("battery", "patent"), ("coffee", "trademark")):
        call("PUT", f"/basket/{found(call, query, right)}")
    call("POST", "/saved-searches", json={"name": "Solid electrolytes", "search": {"q": "solid electrolyte"}})
    call("POST", "/saved-searches", json={"name": "Valves", "search": {"q": "valve", "filters": {"right": ["patent"]}}})
    call("POST", "/exports", json={"search": {"q": "battery"}, "format": "xlsx"})


def deliver(call: Call) -> None:
    for path in sorted(FAULTY.iterdir()):
        if path.is_file():
            call("POST", "/deliveries", params={"name": path.name}, content=path.read_bytes())


def agree(provider: Call, beneficiary: Call) -> None:
    """The conversation from the request to the package."""
    signers = {"DE": holder("DE"), "EP": holder("EP")}
    provider("POST", "/exchange/certificates",
             json={"certificate": signers["DE"].pem, "private_key": signers["DE"].key_pem})  # fmt: skip
    beneficiary("POST", "/exchange/certificates", json={"certificate": signers["EP"].pem})
    asked = beneficiary("POST", "/exchange/requests", json={
        "provider": "DE", "title": "Marks for examination", "terms": TERMS,
        "message": "We examine marks and need yours."})["id"]  # fmt: skip
    terms = {**TERMS, "volume_cap": 1_000, "conditions": ["Each record names the provider."]}
    provider("POST", f"/exchange/agreements/{asked}/offers", json={"terms": terms, "message": "Gladly, with a cap."})
    for call, signer in ((provider, signers["DE"]), (beneficiary, signers["EP"])):
        put_name(call, asked, signer)
    beneficiary("POST", "/exchange/packages", json={"agreement": asked, "formats": ["st66"]})
    beneficiary("POST", "/exchange/requests", json={
        "provider": "DE", "title": "Designs for searching", "terms": {**TERMS, "collections": []},
        "message": "We should like to search your designs too."})  # fmt: skip
    ends = time.monotonic() + PATIENCE_S
    while any(one["state"] == "building" for one in beneficiary("GET", "/exchange/packages")["packages"]):
        if time.monotonic() > ends:
            raise SystemExit("The package is not made: does a worker run?")
        time.sleep(0.5)


def put_name(call: Call, agreement: int, signer: Holder) -> None:
    document = call("GET", f"/exchange/agreements/{agreement}/document")
    signature = sign(hashlib.sha256(document.content).digest(), signer.certificate, signer.key)
    given = {"version": int(document.headers["concord-version"]), "signature": base64.b64encode(signature).decode()}
    call("POST", f"/exchange/agreements/{agreement}/signatures", json=given)


if __name__ == "__main__":
    furnish(sys.argv[1].rstrip("/"), dict(argument.split("=", 1) for argument in sys.argv[2:]))
