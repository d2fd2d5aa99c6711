"""/v1/duplicates: the queue, one pair, claims, decisions, splits, what they would do, clusters, conflicts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.access.audit import change
from api.access.model import Permission
from api.dependencies import Access, Guard
from api.review.duplicates import Desk, Filters, verdicts_of_split
from api.search.routes import json_response
from common.errors import UsageError
from common.messages import say
from indexer.duplicates.ledger import Verdict

router = APIRouter(prefix="/v1/duplicates", tags=["duplicates"])

Reviewer = Annotated[Access, Depends(Guard(Permission.REVIEW))]
RecordId = Annotated[str, Field(min_length=1, max_length=512)]
Words = Annotated[str, Field(max_length=2_000)]

NO_PAIR: dict[int | str, dict[str, Any]] = {
    404: {"description": "No such pair, or one of its records is none that you may read: the two look the same."},
    409: {"description": "Somebody else has the pair, or decided it meanwhile."},
}


class In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PairIn(In):
    a: RecordId
    b: RecordId


class DecisionIn(PairIn):
    judgement: Literal["same", "different", "unsure", "related"]
    relation: Annotated[str, Field(max_length=40)] | None = None
    reason: Words = ""
    note: Words = ""
    seen: int | None = None
    """Number of the decision on the pair that you know of, 0 for none: refused if there is another by now."""
    review_of: int | None = None
    """The decision that this is a second opinion on."""

    def verdict(self) -> Verdict:
        return Verdict(self.a, self.b, self.judgement, self.reason, self.note, self.relation)


class SplitIn(In):
    groups: Annotated[list[Annotated[list[RecordId], Field(min_length=1, max_length=200)]], Field(max_length=20)]
    reason: Annotated[str, Field(min_length=1, max_length=2_000)]
    note: Annotated[str, Field(min_length=1, max_length=2_000)]


class EffectIn(In):
    decision: DecisionIn | None = None
    groups: Annotated[list[list[RecordId]], Field(max_length=20)] | None = None


class UndoIn(In):
    decision: int | None = None
    batch: Annotated[str, Field(max_length=40)] | None = None
    reason: Words = ""


@router.get("", summary="Pairs to judge")
async def queue(
    access: Reviewer,
    providers: Annotated[str | None, Query(description="EP/US: two providers or two offices", max_length=20)] = None,
    right: Annotated[str | None, Query(description="patent, trademark, design, copyright, gi", max_length=20)] = None,
    language: Annotated[str | None, Query(description="ISO 639-1", max_length=5)] = None,
    days: Annotated[int | None, Query(description="Found at least so many days ago", ge=0, le=100_000)] = None,
    relation: Annotated[
        str | None, Query(description="corrects, stage-of, family, divisional …", max_length=40)
    ] = None,
    order: Annotated[
        Literal["uncertainty", "value"], Query(description="What comes first: doubt, or how many records a pair joins")
    ] = "uncertainty",
    size: Annotated[int, Query(ge=1, le=100)] = 20,
    scores: Annotated[bool, Query(description="Show scores before judging")] = False,
    review: Annotated[bool, Query(description="Second opinions: decisions of others, blind")] = False,
) -> Response:
    """Open pairs, most doubtful or most valuable first; without the score unless asked for. Pairs that somebody else
    has claimed are left out, and so are those of which you may not read both records."""
    desk = Desk(access)
    if review:
        return json_response({"pairs": await desk.reviews(size)})
    filters = Filters(providers, right, language, days, relation, order, size, scores)
    return json_response({"pairs": await desk.queue(filters)})


@router.get("/pair", summary="One pair", responses=NO_PAIR)
async def one_pair(
    access: Reviewer,
    a: Annotated[str, Query(max_length=512)],
    b: Annotated[str, Query(max_length=512)],
    scores: bool = False,
) -> Response:
    """Both records, what was compared with both values, each feature's part of the score, and what was decided."""
    return json_response(await Desk(access).explain(a, b, scores=scores))


@router.get("/conflicts", summary="What contradicts itself")
async def conflicts(access: Reviewer, size: Annotated[int, Query(ge=1, le=1_000)] = 100) -> Response:
    """Pairs that a rule or a person says are the same, held apart because somebody judged different a pair that they
    would bring together: undo or change one of the two."""
    return json_response({"conflicts": await Desk(access).conflicts(size)})


@router.get("/clusters/{record_id}", summary="The cluster of a record", responses={404: NO_PAIR[404]})
async def cluster(record_id: str, access: Reviewer) -> Response:
    """Members that you may read, and the golden view computed from them, every value with its source."""
    return json_response(await Desk(access).cluster(record_id))


@router.post("/claim", summary="Take a pair for a while", responses=NO_PAIR)
async def claim(access: Reviewer, given: PairIn) -> Response:
    return json_response({"until": await Desk(access).claim(given.a, given.b)})


@router.post("/release", summary="Give a claimed pair back", responses=NO_PAIR)
async def release(access: Reviewer, given: PairIn) -> Response:
    return json_response({"released": await Desk(access).release(given.a, given.b)})


@router.post("/effect", summary="What a decision would change", responses=NO_PAIR)
async def effect(access: Reviewer, given: EffectIn) -> Response:
    """Clusters before and after, nothing saved. Give a decision, or the groups of a split."""
    if (given.decision is None) == (given.groups is None):
        raise UsageError(say("review.undo-of-what"))
    verdicts = [given.decision.verdict()] if given.decision else verdicts_of_split(given.groups or [])
    if not verdicts:
        raise UsageError(say("review.split-groups"))
    return json_response(await Desk(access).effect(verdicts))


@router.post("/decisions", status_code=201, summary="Decide a pair", responses=NO_PAIR)
async def decide(access: Reviewer, given: DecisionIn) -> Response:
    """`different` wants a reason and a note, so that others can follow it."""
    if given.judgement == "different" and not (given.reason and given.note):
        raise UsageError(say("review.different-unexplained"))
    desk = Desk(access)
    entered = await desk.decide(given.verdict(), seen=given.seen, review_of=given.review_of)
    await access.services.record(
        [change(access.caller, "duplicate-decided", decision=entered.id, judgement=entered.judgement)]
    )
    return json_response(entered.line(), 201)


@router.post("/split", status_code=201, summary="Split a cluster", responses=NO_PAIR)
async def split(access: Reviewer, given: SplitIn) -> Response:
    """Records of different groups are judged different; undone at once by the batch."""
    batch = await Desk(access).split(given.groups, given.reason, given.note)
    await access.services.record([change(access.caller, "duplicate-split", batch=batch)])
    return json_response({"batch": batch}, 201)


@router.post("/undo", summary="Take a decision or a split back", responses=NO_PAIR)
async def undo(access: Reviewer, given: UndoIn) -> Response:
    """What stood before stands again."""
    if (given.decision is None) == (given.batch is None):
        raise UsageError(say("review.decision-or-batch"))
    undone = await Desk(access).undo(given.decision, given.batch, given.reason)
    await access.services.record(
        [change(access.caller, "duplicate-undone", decision=given.decision, batch=given.batch)]
    )
    return json_response({"undone": undone})
