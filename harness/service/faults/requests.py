"""What can go wrong with a request and its answer: `assistants.faults.status(…)` and the like."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal, get_args

from harness.failures import HarnessFailure
from harness.service.faults import statuses
from harness.service.faults.bodies import discard, torn
from harness.service.faults.matching import checked, route_of
from harness.service.faults.planning import Plan, planning
from harness.service.faults.striking import Lag, Layer, Once, RateLimit, RequestFault, arrive_late, wait_in_vain
from harness.service.http import DISCONNECTED, REFUSED, ConnectFailed, ConnectionLost

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.service.faults.matching import Arrival
    from harness.service.faults.striking import Serve
    from harness.service.http import Response

By = Literal["disconnect", "timeout"]


class RequestFaults:
    """What can be planned for requests, streamed ones too.

    Every method takes:

    - `on`: for which requests, as `"METHOD /path"`, with the ids in braces or written out; None is every request.
    - `nth`: at which of these, counted from 1 since it was planned.
    - `times`: for how many in a row.

    Of two plans that both say what the client gets, the one that was planned later waits for the next request. `slow`,
    `meanwhile` and `lag` go together with any other. What takes time moves the clock under every policy, and at once:
    under asyncio, tasks that sleep do not wake meanwhile.
    """

    planned: list[Plan]

    def meet(self, serve: Serve, arrival: Arrival) -> Response:
        """What the client gets for a request that `serve` would answer.

        Raises:
            WireFailure: planned.
        """
        due: list[RequestFault] = []  # what was planned last first
        for fault in (plan for plan in self.planned if isinstance(plan, RequestFault)):
            taken = fault.layer is Layer.ANSWER and any(other.layer is Layer.ANSWER for other in due)
            if fault.comes(arrival) and not taken:
                due.insert(0, fault)
        # from the service outwards, so what is further away, or was planned before, strikes before
        for fault in sorted(due, key=lambda fault: fault.layer):
            serve = partial(fault.strike, serve)
        return serve(arrival)

    # --- nothing is served --------------------------------------------------------------------------------

    @planning
    def status(
        self,
        status: int,
        *,
        on: str | None = None,
        nth: int = 1,
        times: int = 1,
        retry_after: float | None = None,
        message: str | None = None,
        code: str | None = None,
    ) -> Plan:
        """The answer has this status, and nothing was done.

        The body is what the service said, to a client of Azure what Azure did. A 502 is the page of a proxy, without a
        request id, unless it gets a message or a code. A 429 with `code="insufficient_quota"` is the one that waiting
        does not cure.

        Args:
            status: 400, 401, 403, 404, 408, 409, 429, 500, 502 or 503.
            retry_after: the header of that name, in seconds. By default there is none, as mostly (CONTRACT §9), and
                the SDK waits as long as it likes, which is a little at random.
            message, code: what the error says in place of the usual.

        Raises:
            HarnessFailure: another status, or no such route.
        """
        statuses.check(status)

        def refuse(serve: Serve, arrival: Arrival) -> Response:
            return statuses.answer(arrival, status, retry_after=retry_after, message=message, code=code)

        return Once(on=on, nth=nth, times=times, act=refuse)

    @planning
    def rate_limit(self, seconds: float, *, on: str | None = None, nth: int = 1) -> Plan:
        """From the nth request on, all are refused with 429 until so much virtual time has passed.

        `Retry-After` says how much is left. The SDK sleeps that long, virtually, and passes; but 60 seconds at most,
        or 120 in newer versions (CONTRACT §9), else it tries again too early, or not at all.

        Raises:
            HarnessFailure: no such route.
        """
        return RateLimit(on=on, nth=nth, seconds=_time("rate_limit", seconds))

    @planning
    def connect_error(self, *, on: str | None = None, nth: int = 1, times: int = 1) -> Plan:
        """There is no connection, so nothing reaches the service (httpx: `ConnectError`).

        Raises:
            HarnessFailure: no such route.
        """

        def refuse(serve: Serve, arrival: Arrival) -> Response:
            raise ConnectFailed(REFUSED)

        return Once(on=on, nth=nth, times=times, act=refuse)

    @planning
    def read_timeout(self, *, on: str | None = None, nth: int = 1, times: int = 1) -> Plan:
        """The request gets lost on its way, and the client waits for its read timeout, virtually (`ReadTimeout`).

        A client without a timeout would wait for ever; it gets the timeout too, at once.

        Raises:
            HarnessFailure: no such route.
        """

        def wait(serve: Serve, arrival: Arrival) -> Response:
            raise wait_in_vain(arrival)

        return Once(on=on, nth=nth, times=times, act=wait)

    # --- it is served, and the client does not learn how --------------------------------------------------

    @planning
    def lost_answer(self, *, by: By = "disconnect", on: str | None = None, nth: int = 1, times: int = 1) -> Plan:
        """The request is served and its answer lost: what it should make has been made.

        So the SDK's own second try of a POST makes a second message or, for a run, is refused: "Thread … already has
        an active run …" (CONTRACT §11).

        Args:
            by: `disconnect` (httpx: `RemoteProtocolError`), or `timeout`, after the client's read timeout
                (`ReadTimeout`).

        Raises:
            HarnessFailure: no such route, or another way to lose it.
        """
        if by not in get_args(By):
            raise HarnessFailure(
                f"faults.lost_answer(by={by!r}): an answer is not lost that way.",
                do='faults.lost_answer(by="disconnect")   # or "timeout"',
            )

        def lose(serve: Serve, arrival: Arrival) -> Response:
            answer = serve(arrival)
            discard(answer)
            failure = wait_in_vain(arrival) if by == "timeout" else ConnectionLost(DISCONNECTED)
            failure.answer = answer
            raise failure

        return Once(on=on, nth=nth, times=times, act=lose)

    @planning
    def drop(self, *, on: str | None = None, nth: int = 1, times: int = 1) -> Plan:
        """The request is served, and the connection breaks off in the middle of the answer's body.

        The client gets its library's error for that (httpx: `RemoteProtocolError`). A stream breaks off behind its
        first event; `cut` says where else.

        Raises:
            HarnessFailure: no such route.
        """

        def tear(serve: Serve, arrival: Arrival) -> Response:
            return torn(serve(arrival), properly=False)

        return Once(on=on, nth=nth, times=times, act=tear)

    @planning
    def malformed(self, *, on: str | None = None, nth: int = 1, times: int = 1) -> Plan:
        """The request is served, and half of the answer's body is all that there is: no JSON any more.

        A stream ends behind its first event; `malform` breaks an event.

        Raises:
            HarnessFailure: no such route.
        """

        def tear(serve: Serve, arrival: Arrival) -> Response:
            return torn(serve(arrival), properly=True)

        return Once(on=on, nth=nth, times=times, act=tear)

    # --- it is served otherwise ---------------------------------------------------------------------------

    @planning
    def slow(self, seconds: float, *, on: str | None = None, nth: int = 1, times: int = 1) -> Plan:
        """The request reaches the service so many virtual seconds later, when other things have happened.

        So outputs that arrive after ten minutes meet an expired run. A client that is less patient gets its timeout
        (`ReadTimeout`) when its patience is over, and the request arrives all the same, when its time has come: a
        second try of it may be there before.

        Raises:
            HarnessFailure: no such route.
        """
        late = _time("slow", seconds)

        def wait(serve: Serve, arrival: Arrival) -> Response:
            return arrive_late(serve, arrival, late)

        return Once(on=on, nth=nth, times=times, act=wait, layer=Layer.WAY)

    @planning
    def lag(self, looks: int = 1, *, on: str = "GET /threads/{thread_id}/messages") -> Plan:
        """A list that lags behind (eventual consistency): its newest object comes late.

        The first `looks` answers that would show a new object as the newest are as if it had not been made yet. So
        who lists the messages right after a run gets the question, and the answer at the next look. Pages behind a
        cursor are as ever.

        Raises:
            HarnessFailure: no such list.
        """
        route = route_of(checked(on) or "")
        if route is None or route.method != "GET" or "after" not in route.query.model_fields:
            raise HarnessFailure(
                f"faults.lag(on={on!r}): that is no list.", do='faults.lag(on="GET /threads/{thread_id}/messages")'
            )
        if looks < 1:
            raise HarnessFailure(f"faults.lag({looks!r}): it lasts for one look at least.", do="faults.lag(1)")
        return Lag(on=on, looks=looks)

    @planning
    def meanwhile(self, do: Callable[[], object], *, on: str | None = None, nth: int = 1, times: int = 1) -> Plan:
        """Just before the request is served, `do()` is called: another client cancels the run, for example.

        Raises:
            HarnessFailure: no such route, or `do` is no function; in the client, if `do` raises an error.
        """
        if not callable(do):
            raise HarnessFailure(
                f"faults.meanwhile(…) calls a function just before the request, and was given {do!r:.200}.",
                do="faults.meanwhile(assistants.cancel_runs)   # without the parentheses that would call it now",
            )

        def act(serve: Serve, arrival: Arrival) -> Response:
            try:
                do()
            except Exception as error:
                raise HarnessFailure(
                    f"What faults.meanwhile(…) called failed: {type(error).__name__}: {error}",
                    there_was=f"It was called before {arrival.names[-1]} was served.",
                    do="except openai.BadRequestError: ...   # in the function itself, if it may be refused",
                ) from error
            return serve(arrival)

        return Once(on=on, nth=nth, times=times, act=act, layer=Layer.WAY)


def _time(method: str, seconds: float) -> float:
    if not seconds > 0:
        raise HarnessFailure(f"faults.{method}({seconds!r}): time only moves forward.", do=f"faults.{method}(5)")
    return seconds
