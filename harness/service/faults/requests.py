"""Faults of requests and their answers: `assistants.faults.status(…)` and the like."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal, get_args

from harness.failures import HarnessFailure
from harness.service.checks import check_seconds
from harness.service.faults import statuses
from harness.service.faults.bodies import cut_in_half, discard
from harness.service.faults.injection import Lag, Layer, Once, RateLimit, RequestFault, arrive_late, time_out
from harness.service.faults.matching import check_on, route_of
from harness.service.faults.planning import Plan, planning
from harness.service.http import DISCONNECTED, REFUSED, ConnectFailed, ConnectionLost

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.service.faults.injection import Serve
    from harness.service.faults.matching import Arrival
    from harness.service.http import Response

By = Literal["disconnect", "timeout"]


class RequestFaults:
    """The faults that can be planned for requests, including those that are answered by a stream.

    Every method takes:

    - `on`: for which requests, as `"METHOD /path"`, with the ids in braces or written out; None is every request.
    - `nth`: at which of these, counted from 1 since it was planned.
    - `times`: for how many in a row.

    If two plans decide the answer to the same request, the later one waits for the next request. `slow`, `meanwhile`
    and `lag` can be combined with any other. Faults that take time move the clock at once, under every policy: under
    asyncio, tasks that sleep do not wake in between.
    """

    planned: list[Plan]

    def handle(self, serve: Serve, arrival: Arrival) -> Response:
        """Answer a request by `serve`, with the faults that are due for it.

        Raises:
            WireFailure: planned.
        """
        due: list[RequestFault] = []  # the latest plan first
        for fault in (plan for plan in self.planned if isinstance(plan, RequestFault)):
            taken = fault.layer is Layer.ANSWER and any(other.layer is Layer.ANSWER for other in due)
            if fault.claims(arrival) and not taken:
                due.insert(0, fault)
        # wrapped from the service outwards: the outer layers, and earlier plans in a layer, apply first
        for fault in sorted(due, key=lambda fault: fault.layer):
            serve = partial(fault.apply, serve)
        return serve(arrival)

    # --- faults instead of serving the request ------------------------------------------------------------

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
        """The answer has this status, and the request is not served.

        The body is that of the service, or of Azure for a client of Azure. A 502 is the HTML page of a proxy, without a
        request id, unless a message or code is given. A 429 with `code="insufficient_quota"` is the one that does not
        pass by waiting.

        Args:
            status: 400, 401, 403, 404, 408, 409, 429, 500, 502 or 503.
            retry_after: the header of that name, in seconds. By default there is none, as mostly (CONTRACT §9), and
                the SDK's own back-off applies, which is partly random.
            message, code: of the error, instead of the usual ones.

        Raises:
            HarnessFailure: another status, or no such route.
        """
        statuses.check(status)

        def refuse(serve: Serve, arrival: Arrival) -> Response:
            return statuses.answer(arrival, status, retry_after=retry_after, message=message, code=code)

        return Once(on=on, nth=nth, times=times, act=refuse)

    @planning
    def rate_limit(self, seconds: float, *, on: str | None = None, nth: int = 1) -> Plan:
        """From the nth request on, all are refused with 429 until `seconds` of virtual time have passed.

        `Retry-After` says how many are left. The SDK sleeps that long, virtually, and then succeeds. It obeys 60
        seconds at most, or 120 in newer versions (CONTRACT §9); beyond that it retries too early, or not at all.

        Raises:
            HarnessFailure: no such route.
        """
        return RateLimit(on=on, nth=nth, seconds=_time("rate_limit", seconds))

    @planning
    def connect_error(self, *, on: str | None = None, nth: int = 1, times: int = 1) -> Plan:
        """No connection can be made, so nothing reaches the service (httpx: `ConnectError`).

        Raises:
            HarnessFailure: no such route.
        """

        def refuse(serve: Serve, arrival: Arrival) -> Response:
            raise ConnectFailed(REFUSED)

        return Once(on=on, nth=nth, times=times, act=refuse)

    @planning
    def read_timeout(self, *, on: str | None = None, nth: int = 1, times: int = 1) -> Plan:
        """The request is lost on its way, and the client's read timeout passes, virtually (`ReadTimeout`).

        A client without a read timeout would wait for ever; it gets a timeout too, at once.

        Raises:
            HarnessFailure: no such route.
        """

        def wait(serve: Serve, arrival: Arrival) -> Response:
            raise time_out(arrival)

        return Once(on=on, nth=nth, times=times, act=wait)

    # --- the request is served, and its answer does not arrive --------------------------------------------

    @planning
    def lost_answer(self, *, by: By = "disconnect", on: str | None = None, nth: int = 1, times: int = 1) -> Plan:
        """The request is served and its answer lost: what it creates does exist.

        When the SDK retries such a POST, it creates a second message or, for a run, is refused: "Thread … already has
        an active run …" (CONTRACT §11).

        Args:
            by: `disconnect` (httpx: `RemoteProtocolError`), or `timeout`, after the client's read timeout
                (`ReadTimeout`).

        Raises:
            HarnessFailure: no such route, or `by` is something else.
        """
        if by not in get_args(By):
            raise HarnessFailure(
                f"faults.lost_answer(by={by!r}): an answer cannot be lost that way.",
                do='faults.lost_answer(by="disconnect")   # or "timeout"',
            )

        def lose(serve: Serve, arrival: Arrival) -> Response:
            answer = serve(arrival)
            discard(answer)
            failure = time_out(arrival) if by == "timeout" else ConnectionLost(DISCONNECTED)
            failure.answer = answer
            raise failure

        return Once(on=on, nth=nth, times=times, act=lose)

    @planning
    def drop(self, *, on: str | None = None, nth: int = 1, times: int = 1) -> Plan:
        """The request is served, and the connection is lost in the middle of the answer's body.

        The client gets its library's error for that (httpx: `RemoteProtocolError`). In a stream it is lost after the
        first event; `cut` does it elsewhere.

        Raises:
            HarnessFailure: no such route.
        """

        def halve(serve: Serve, arrival: Arrival) -> Response:
            return cut_in_half(serve(arrival), clean_end=False)

        return Once(on=on, nth=nth, times=times, act=halve)

    @planning
    def malformed(self, *, on: str | None = None, nth: int = 1, times: int = 1) -> Plan:
        """The request is served, and the answer's body is cut in half, so that it is no valid JSON.

        A stream ends after its first event; `malform` breaks an event.

        Raises:
            HarnessFailure: no such route.
        """

        def halve(serve: Serve, arrival: Arrival) -> Response:
            return cut_in_half(serve(arrival), clean_end=True)

        return Once(on=on, nth=nth, times=times, act=halve)

    # --- the request is served at another time, or shows an older state -----------------------------------

    @planning
    def slow(self, seconds: float, *, on: str | None = None, nth: int = 1, times: int = 1) -> Plan:
        """The request reaches the service `seconds` of virtual time later, when other things have happened.

        For example, tool outputs that arrive after ten minutes find an expired run. If the client's read timeout is
        shorter, it gets a `ReadTimeout` then, and the request still arrives later: a retry may overtake it.

        Raises:
            HarnessFailure: no such route.
        """
        late = _time("slow", seconds)

        def wait(serve: Serve, arrival: Arrival) -> Response:
            return arrive_late(serve, arrival, late)

        return Once(on=on, nth=nth, times=times, act=wait, layer=Layer.TRANSIT)

    @planning
    def lag(self, looks: int = 1, *, on: str = "GET /threads/{thread_id}/messages") -> Plan:
        """A list lags behind (eventual consistency): its newest object shows late.

        The first `looks` answers that would show a new object as the newest leave it out. So a client that lists the
        messages right after a run gets the question as the newest, and the answer only in its next request. Pages
        after a cursor are not affected.

        Raises:
            HarnessFailure: no such list.
        """
        route = route_of(check_on(on) or "")
        if route is None or route.method != "GET" or "after" not in route.query.model_fields:
            raise HarnessFailure(
                f"faults.lag(on={on!r}): that is not a list.", do='faults.lag(on="GET /threads/{thread_id}/messages")'
            )
        if looks < 1:
            raise HarnessFailure(f"faults.lag({looks!r}): it lasts for one answer at least.", do="faults.lag(1)")
        return Lag(on=on, looks=looks)

    @planning
    def meanwhile(self, do: Callable[[], object], *, on: str | None = None, nth: int = 1, times: int = 1) -> Plan:
        """Just before the request is served, `do()` is called: another client cancels the run, for example.

        Raises:
            HarnessFailure: no such route, or `do` is not a function; in the client, if `do` raises an error.
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
                    f"The function that faults.meanwhile(…) called failed: {type(error).__name__}: {error}",
                    there_was=f"It was called before {arrival.names[-1]} was served.",
                    do="except openai.BadRequestError: ...   # in the function itself, if it may be refused",
                ) from error
            return serve(arrival)

        return Once(on=on, nth=nth, times=times, act=act, layer=Layer.TRANSIT)


def _time(method: str, seconds: float) -> float:
    check_seconds(seconds, f"faults.{method}({seconds!r})", f"faults.{method}(5)", zero=False)
    return seconds
