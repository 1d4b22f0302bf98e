"""OpenTelemetry: a span for each request, with those of its statements below. No text of clients, no SQL, no values."""

import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, event
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from xrm_core import __version__
from xrm_core.errors import SettingsError
from xrm_core.server.one_write import ANSWER
from xrm_core.server.same_heads import AGAIN
from xrm_core.server.traced_reader import words_of
from xrm_core.server.traffic import NOWHERE, ROUTE
from xrm_core.telemetry import tracing
from xrm_core.telemetry.request import REQUEST

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.trace import Tracer

_SERVICE = "xrm"
_LAST_SECONDS = 2.0
_STATEMENT = re.compile(r'\s*(?:(INSERT) INTO|(UPDATE)|(DELETE) FROM|(SELECT)\b.*?\bFROM|(\w+))\s*"?(\w+)?', re.DOTALL)
_SPAN = "xrm_span"


@contextmanager
def traced(processor: "SpanProcessor | None" = None) -> Iterator[None]:
    """Trace what is put together and done inside.

    Args:
        processor: gets the spans; None: they are sent by OTLP, as the variables ``OTEL_…`` of the environment say.

    Raises:
        SettingsError: the libraries for it are not installed.
    """
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        if processor is None:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            processor = BatchSpanProcessor(OTLPSpanExporter())
    except ImportError as error:
        raise SettingsError(
            "XRM_TRACES is set, but OpenTelemetry is not installed.", hint="pip install 'xrm-platform[otel]'"
        ) from error
    resource = Resource.create({"service.name": _SERVICE, "service.version": __version__})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer(_SERVICE, __version__)
    with ExitStack() as stack:
        stack.callback(_send_rest, provider)
        stack.enter_context(tracing.traced_by(tracer))
        stack.enter_context(_statements(tracer))
        yield


def _send_rest(provider: "TracerProvider") -> None:
    """Send what waits, unless nobody takes it: a process that ends does not wait for a collector."""
    sending = threading.Thread(target=provider.shutdown, name="xrm-traces", daemon=True)
    sending.start()
    sending.join(_LAST_SECONDS)


class TracedRequests:
    """Middleware: a span for each request, below that of the caller if ``traceparent`` names one.

    Args:
        app: what comes after.
        tracer: makes them.
    """

    def __init__(self, app: ASGIApp, tracer: "Tracer") -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self.app = app
        self._tracer = tracer
        self._propagator = TraceContextTextMapPropagator()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on inside of a span."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        from opentelemetry.trace import SpanKind, Status, StatusCode

        sent = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"] if name in _CONTEXT}
        record = REQUEST.get()
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        scope.pop(ANSWER, None)  # it would leave by it unseen
        scope.pop(AGAIN, None)
        with self._tracer.start_as_current_span(
            "request",
            context=self._propagator.extract(sent),
            kind=SpanKind.SERVER,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            if record is not None:
                record.trace_id = f"{span.get_span_context().trace_id:032x}"
                span.set_attribute("xrm.request_id", record.id)
            try:
                await self.app(scope, receive, answer)
            finally:
                method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
                route: str = scope.get(ROUTE) or str(getattr(scope.get("route"), "path", NOWHERE))
                span.update_name(f"{method} {route}")
                span.set_attributes({"http.request.method": method, "http.route": route})
                if status:
                    span.set_attribute("http.response.status_code", status)
                if record is not None and record.operation is not None:
                    span.set_attribute("graphql.operation.type", record.operation)
                if record is not None and record.codes:
                    span.set_attribute("error.type", record.codes[0])
                if status >= 500 or not status:
                    span.set_status(Status(StatusCode.ERROR))


_CONTEXT = frozenset({b"traceparent", b"tracestate"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@contextmanager
def _statements(tracer: "Tracer") -> Iterator[None]:
    """A span for each statement of all engines of this process."""

    def before(_connection: Any, _cursor: Any, statement: str, _values: Any, context: Any, _many: bool) -> None:
        found = _STATEMENT.match(statement)
        operation = "other" if found is None else next(each for each in found.groups()[:5] if each).upper()
        table = found[6] if found is not None and found[6] and operation in _ON_TABLES else None
        more = {} if table is None else {"db.collection.name": table}
        name = operation if table is None else f"{operation} {table}"
        setattr(context, _SPAN, tracer.start_span(name, **words_of(operation, context.dialect.name, more)))

    def after(_connection: Any, _cursor: Any, _statement: str, _values: Any, context: Any, _many: bool) -> None:
        _end(context)

    def failed(error: Any) -> None:
        _end(error.execution_context)

    listeners = (("before_cursor_execute", before), ("after_cursor_execute", after), ("handle_error", failed))
    for name, listener in listeners:
        event.listen(Engine, name, listener)
    try:
        yield
    finally:
        for name, listener in listeners:
            event.remove(Engine, name, listener)


_ON_TABLES = frozenset({"INSERT", "UPDATE", "DELETE", "SELECT"})


def _end(context: Any) -> None:
    span = context.__dict__.pop(_SPAN, None) if context is not None else None
    if span is not None:
        span.end()
